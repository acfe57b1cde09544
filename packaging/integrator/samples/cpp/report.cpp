// Reports events to the telemetry agent: report SOCKET OUTBOX (SOCKET.md explains the lines). C++17, no library.
// Real code reads answers with its JSON library; here the few flat fields are found by their names.
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iostream>
#include <string>
#ifdef _WIN32
#include <windows.h>
#else
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#endif
using std::string;

struct Agent {  // the agent's socket, or on Windows its pipe
#ifdef _WIN32   // GENERIC_WRITE would include serving the pipe's name, and is refused: ask for data alone
    HANDLE end = INVALID_HANDLE_VALUE;
    bool open(const string& path) { return (end = CreateFileA(path.c_str(), 0x0012019B, 0, nullptr, OPEN_EXISTING, 0x00110000, nullptr)) != INVALID_HANDLE_VALUE; }
    bool put(const string& text) { DWORD n; return WriteFile(end, text.data(), DWORD(text.size()), &n, nullptr) && n == text.size(); }
    bool get(char& c) { DWORD n; return ReadFile(end, &c, 1, &n, nullptr) && n == 1; }
#else
    int end = -1;
    bool open(const string& path) {
        sockaddr_un to{};
        to.sun_family = AF_UNIX;
        if (path.size() >= sizeof to.sun_path) return false;
        path.copy(to.sun_path, path.size());
        return (end = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0 && connect(end, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    }
    bool put(const string& text) { return send(end, text.data(), text.size(), MSG_NOSIGNAL) == ssize_t(text.size()); }
    bool get(char& c) { return read(end, &c, 1) == 1; }
#endif
    string ask(const string& line) {  // one line there, one line back; nothing back: it may or may not have been taken
        string answer;
        if (put(line + "\n")) for (char c; get(c) && c != '\n';) answer += c;
        if (answer.empty()) { std::cerr << "the agent ended the connection\n"; std::exit(1); }
        return answer;
    }
};

string field(const string& answer, const string& name, size_t from = 0) {  // a text without escapes, or nothing
    const string key = "\"" + name + "\":\"";
    const size_t at = answer.find(key, from);
    return at == string::npos ? "" : answer.substr(at + key.size(), answer.find_first_of("\"\\", at + key.size()) - at - key.size());
}

string event(const string& name, const string& attributes) {
    char at[32];
    const std::time_t now = std::time(nullptr);
    std::strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
    return "{\"event\":\"" + name + "\",\"at\":\"" + at + "\"," + attributes + "}";
}

void report(Agent& agent, const string& line) {  // a refused event is never sent again as it is: only `busy` is worth another try
    const string answer = agent.ask(line), error = field(answer, "error");
    if (error.empty()) std::cout << "accepted: " << field(line, "event") << "\n";
    else if (error == "busy") std::cout << "busy: try again in a second\n";
    else if (error == "no_consent") std::cout << "no consent: nothing is collected, and that is no error\n";
    else std::cout << "refused: " << field(answer, "what") << " [attribute " << field(answer, "attribute") << ", nearest " << field(answer, "nearest") << "]\n";
}

int main(int, char** arguments) {
    Agent agent;
    if (!arguments[1] || !arguments[2] || !agent.open(arguments[1])) { std::cerr << "the agent does not run: report SOCKET OUTBOX\n"; return 1; }
    report(agent, event("device.error", R"("code":1042,"subsystem":"generator","severity":"error","repeats":3)"));
    report(agent, event("device.error", R"("code":1042,"subsystem":"genrator","severity":"error","repeats":3)"));
    const string written = string(arguments[2]) + "/cpp-" + std::to_string(std::time(nullptr));  // renamed when it is complete
    std::ofstream(written + ".part", std::ios::binary) << event("exposure.failed", R"("mode":"cbct")") << "\n";
    std::rename((written + ".part").c_str(), (written + ".ndjson").c_str());
    const string notice = agent.ask(R"({"request":"consent","action":"show","purpose":"usage_statistics"})");
    std::cout << "notice: " << field(notice, "en") << (notice.find("\"ask\":true") != string::npos ? " (to be shown now)\n" : " (answered)\n");
    const string status = agent.ask(R"({"request":"status"})");
    for (size_t at = status.find(R"("wishes":)"); (at = status.find("{\"case\":", at)) != string::npos; ++at)
        std::cout << "the vendor asks for a support bundle: " << field(status, "case", at) << " " << field(status, "reason", at) << "\n";
}
