// Reports events to the telemetry agent: Report SOCKET OUTBOX (SOCKET.md explains the lines). .NET, .NET Framework, Mono:
//   mcs -r:System.Runtime.Serialization -out:Report.exe Report.cs
using System;
using System.Collections.Generic;
using System.IO;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Serialization;
using System.Runtime.Serialization.Json;
using System.Text;
using Microsoft.Win32.SafeHandles;

#pragma warning disable 649 // the serializer assigns what it reads

[DataContract] class Text { [DataMember] public string en = "", da = ""; }
[DataContract] class Invitation { [DataMember(Name = "case")] public string Case = ""; [DataMember] public string reason = ""; }
[DataContract] class Answer  // the fields that this program needs; others may be added, and are skipped
{
    [DataMember] public bool ok, ask;
    [DataMember] public string error, what, attribute, nearest;
    [DataMember] public Text text;
    [DataMember(Name = "wishes")] public List<Invitation> invitations;
}

static class Report
{
    [DllImport("kernel32.dll", CharSet = CharSet.Unicode, SetLastError = true)]
    static extern SafeFileHandle CreateFileW(string name, uint access, uint share, IntPtr security, uint disposition, uint flags, IntPtr template);

    static Stream Connect(string path)  // the agent's socket, or on Windows its pipe
    {
        if (Environment.OSVersion.Platform == PlatformID.Win32NT)
        {   // GENERIC_WRITE would include serving the pipe's name, and is refused: ask for data alone
            var pipe = CreateFileW(path, 0x0012019B, 0, IntPtr.Zero, 3, 0x00110000, IntPtr.Zero);
            if (pipe.IsInvalid) throw new IOException("the agent does not run");
            return new FileStream(pipe, FileAccess.ReadWrite, 1, false);
        }
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 30000 };
        socket.Connect(new UnixDomainSocketEndPoint(path));
        return new NetworkStream(socket, true);
    }

    static Answer Ask(Stream agent, string line)  // one line there, one line back; nothing back: it may or may not have been taken
    {
        var sent = Encoding.UTF8.GetBytes(line + "\n");
        agent.Write(sent, 0, sent.Length);
        var answer = new MemoryStream();
        for (int next; (next = agent.ReadByte()) != '\n'; answer.WriteByte((byte)next))
            if (next < 0) throw new IOException("the agent ended the connection");
        answer.Position = 0;
        return (Answer)new DataContractJsonSerializer(typeof(Answer)).ReadObject(answer);
    }

    static string Event(string name, string attributes)
    {
        return "{\"event\":\"" + name + "\",\"at\":\"" + DateTime.Now.ToString("yyyy-MM-ddTHH:mm:sszzz") + "\"," + attributes + "}";
    }

    static void Send(Stream agent, string line)  // a refused event is never sent again as it is: only `busy` is worth another try
    {
        var answer = Ask(agent, line);
        if (answer.ok) Console.WriteLine("accepted: " + line.Split('"')[3]);
        else if (answer.error == "busy") Console.WriteLine("busy: try again in a second");
        else if (answer.error == "no_consent") Console.WriteLine("no consent: nothing is collected, and that is no error");
        else Console.WriteLine("refused: {0} [attribute {1}, nearest {2}]", answer.what, answer.attribute, answer.nearest);
    }

    static void Main(string[] arguments)
    {
        var agent = Connect(arguments[0]);
        Send(agent, Event("device.error", "\"code\":1042,\"subsystem\":\"generator\",\"severity\":\"error\",\"repeats\":3"));
        Send(agent, Event("device.error", "\"code\":1042,\"subsystem\":\"genrator\",\"severity\":\"error\",\"repeats\":3"));
        var written = Path.Combine(arguments[1], "csharp-" + Guid.NewGuid());  // renamed when it is complete
        File.WriteAllText(written + ".part", Event("exposure.failed", "\"mode\":\"cbct\"") + "\n", new UTF8Encoding(false));
        File.Move(written + ".part", written + ".ndjson");
        var notice = Ask(agent, "{\"request\":\"consent\",\"action\":\"show\",\"purpose\":\"usage_statistics\"}");
        Console.WriteLine("notice: " + notice.text.en.Split('\n')[0] + (notice.ask ? " (to be shown now)" : " (answered)"));
        foreach (var invitation in Ask(agent, "{\"request\":\"status\"}").invitations)
            Console.WriteLine("the vendor asks for a support bundle: " + invitation.Case + " " + invitation.reason);
    }
}
