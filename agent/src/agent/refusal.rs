//! Why the agent refuses a request, in both languages, where no error says it already.

crate::texts! {
    /// What happened and what to do.
    pub(super) enum Refusal {
        MayNotReport =>
            "this account may not report events: only Kathea's account and administrators may",
            "kontoen må ikke indberette hændelser: det må kun Katheas konto og administratorer";
        MayNot =>
            "this account may not do that: granting needs the group of [consent] group, the rest an administrator",
            "kontoen må ikke gøre det: samtykke kræver gruppen i [consent] group, resten en administrator";
        OtherClaim =>
            "the claim code is not this device's: `kathea-agent privacy claim` prints it to an administrator",
            "ejerkoden er ikke denne enheds: `kathea-agent privacy claim` viser den for en administrator";
        NeedsTheClinic =>
            "erasing what was sent, and a change of owner, need a member of [consent] group or the claim code of this \
             device; a withdrawal without erasure (`consent withdraw PURPOSE`) needs neither",
            "sletning af det, der er sendt, og ejerskifte kræver et medlem af [consent] group eller enhedens ejerkode; en \
             tilbagekaldelse uden sletning (`consent withdraw PURPOSE`) kræver ingen af delene";
        NothingMayBeSent =>
            "nothing may be sent, so the vendor cannot be asked: allow usage statistics or open a support case first",
            "intet må sendes, så leverandøren kan ikke spørges: giv først samtykke til brugsstatistik, eller opret en \
             supportsag";
        NotConnected =>
            "this device is not enrolled, or its connection is not set up: `doctor`",
            "enheden er ikke tilmeldt, eller dens forbindelse er ikke sat op: `doctor`";
        OutsideRoots =>
            "the service reads only below [kathea] logs and scans: name a path there, or let an account read it \
             that may, as root or the agent's",
            "tjenesten læser kun under [kathea] logs og scans: angiv en sti der, eller lad en konto med adgang læse den, \
             for eksempel root eller agentens";
        NotAdopted =>
            "a draft is adopted by its name and its key",
            "et udkast overtages med sit navn og sin nøgle";
        NoSuchFile =>
            "there is no such file in the draft: `support show DRAFT manifest.json` lists them",
            "der er ingen fil med det navn i udkastet: `support show DRAFT manifest.json` viser dem";
        NothingRuns => "no collection or sealing is running", "der er ingen indsamling eller forsegling i gang";
        WorkEnded =>
            "the work for the case ended unexpectedly: try again, and tell the vendor",
            "arbejdet med sagen sluttede uventet: prøv igen, og giv leverandøren besked";
        NoSuchScan =>
            "no draft or bundle here has a scan of this name, or its case has ended: a name is as scan-0003",
            "ingen udkast eller pakker her har en optagelse med det navn, eller sagen er afsluttet: et navn ser ud som \
             scan-0003";
        NoDraftOrBundle =>
            "there is no draft or bundle of this name: `support list` shows them",
            "der er intet udkast og ingen pakke med det navn: `support list` viser dem";
        WorkRuns =>
            "the agent is already collecting or sealing for a case: try again when it has finished",
            "agenten er allerede ved at indsamle eller forsegle til en sag: prøv igen, når den er færdig";
        NoDraft =>
            "there is no draft of this name; drafts are erased after a day: `support list` shows the others",
            "der er intet udkast med det navn; udkast slettes efter et døgn: `support list` viser de øvrige";
        NoBundle =>
            "there is no bundle of this name: `support list` shows them",
            "der er ingen pakke med det navn: `support list` viser dem";
        OtherDigest =>
            "the digest does not match this draft: read its preview.html and give at least 16 digits of the digest shown there",
            "koden passer ikke til udkastet: læs dets preview.html, og angiv mindst 16 cifre af den kontrolsum, der står der";
        FileErased =>
            "the vendor has this bundle: its file was erased here",
            "leverandøren har pakken: dens fil er slettet her";
        HasIt => "the vendor has this bundle already", "leverandøren har allerede pakken";
        NotEnrolled =>
            "this device is not enrolled: `support export` writes the same sealed file for a stick",
            "enheden er ikke tilmeldt: `support export` skriver den samme forseglede fil til et USB-stik";
        NameTheFlag =>
            "name the flag: usage_statistics, or support_case or support_scan_data with the case",
            "angiv formålet: usage_statistics, eller support_case eller support_scan_data med sagen";
        NothingToDeny =>
            "no consent was requested for that case: there is nothing to deny",
            "der er ikke bedt om samtykke til den sag: der er intet at afvise";
    }
}
