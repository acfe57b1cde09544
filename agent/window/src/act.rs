//! Actions of the window: the fields of a form become one request to the service, its reply a few sentences.

use agent::api::consent::{Answered, NewOwner};
use agent::api::privacy::{Access, Erased, Objected};
use agent::api::support::{Discarded, Sending};
use agent::api::{Contacts, Done};
use agent::history::shown::History;
use agent::request::{
    ClaimCode, ConsentAction, ConsentRequest, HistoryAsk, PrivacyAsk, Request, SupportRequest,
};
use agent::support::gather::{CaseRequest, Selection};
use maud::{Markup, html};
use protocol::ledger::Session;
use protocol::{CaseId, CaseReason, Purpose};
use serde::de::{DeserializeOwned, IntoDeserializer};

use crate::ask::Failure;
use crate::browser;
use crate::job::Kind;
use crate::pages;
use crate::state::Window;
use crate::words::{failure, role, shown, t};

/// The fields of a form.
pub(crate) struct Fields(pub(crate) Vec<(String, String)>);

/// Seconds of *the last two hours*.
const TWO_HOURS: u64 = 7200;

/// Why nothing was done.
enum Refusal {
    /// The service said so, or does not run.
    Service(Failure),
    /// What was typed makes no sense.
    Typed(Markup),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Service(failure)
    }
}

impl Fields {
    fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim());
        value.filter(|value| !value.is_empty())
    }

    fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone()).collect()
    }

    fn word<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let word = self.get(name)?;
        let word: serde::de::value::StrDeserializer<'_, serde::de::value::Error> = word.into_deserializer();
        T::deserialize(word).ok()
    }

    fn text(&self, name: &str) -> Result<String, Refusal> {
        self.get(name).map(str::to_owned).ok_or_else(|| {
            Refusal::Typed(t(
                "Something is missing in the form: fill it in.",
                "Der mangler noget i formularen: udfyld det.",
            ))
        })
    }

    fn case(&self) -> Result<CaseId, Refusal> {
        self.get("case").map(str::to_uppercase).and_then(|case| case.parse().ok()).ok_or_else(|| {
            Refusal::Typed(t(
                "That is no number of a case. It has 2 to 32 capital letters, digits and hyphens, as CASE-1042; the vendor gives it.",
                "Det er ikke et sagsnummer. Det har 2 til 32 store bogstaver, cifre og bindestreger, som CASE-1042; leverandøren oplyser det.",
            ))
        })
    }

    fn claim(&self) -> Option<ClaimCode> {
        self.get("claim").map(|code| ClaimCode(code.to_owned()))
    }

    fn consent(&self, action: ConsentAction) -> Result<ConsentRequest, Refusal> {
        let case = self.get("case").map(|_| self.case()).transpose()?;
        Ok(ConsentRequest {
            purpose: self.word::<Purpose>("purpose"),
            case,
            by: self.get("by").and_then(role),
            yes: self.get("yes").map(str::to_owned),
            session: Some(Session::Console),
            erase: self.get("erase").is_some(),
            claim: self.claim(),
            ..ConsentRequest::new(action)
        })
    }

    fn case_request(&self) -> Result<CaseRequest, Refusal> {
        let reason: Option<CaseReason> = self.word("reason");
        let reason = reason
            .ok_or_else(|| Refusal::Typed(t("Say what it is about.", "Vælg, hvad det drejer sig om.")))?;
        let keys = self.all("key");
        let (scans, since) = match self.get("scans") {
            _ if !keys.is_empty() => (Selection::Picked(keys), None),
            Some("last") => (Selection::Last, None),
            Some("since") => (Selection::Since, Some(TWO_HOURS)),
            _ => (Selection::None, None),
        };
        Ok(CaseRequest {
            case: self.case()?,
            reason,
            contact: self.get("contact").map(str::to_owned),
            description: self.get("description").map(str::to_owned),
            as_typed: self.get("as_typed").is_some(),
            scans,
            since,
            logs: Vec::new(),
            now: false,
        })
    }
}

/// Does it, and says what came of it; whether it was done. `None`: there is no such action.
pub(crate) fn act(window: &Window, action: &str, fields: &Fields) -> Option<(bool, Markup)> {
    Some(match done(window, action, fields)? {
        Ok(said) => (true, html! { div { (said) } }),
        Err(Refusal::Service(why)) => (false, html! { div { (failure(&why)) } }),
        Err(Refusal::Typed(what)) => (false, html! { div { p { (what) } } }),
    })
}

fn done(window: &Window, action: &str, fields: &Fields) -> Option<Result<Markup, Refusal>> {
    let answer = |action| answered(window, fields, action);
    Some(match action {
        "grant" => answer(ConsentAction::Grant),
        "deny" => answer(ConsentAction::Deny),
        "restrict" => answer(ConsentAction::Restrict),
        "release" => answer(ConsentAction::Release),
        "withdraw" => answer(ConsentAction::Withdraw),
        "close" => closed(window, fields),
        "new_owner" => new_owner(window, fields),
        "erase" => erased(window, fields),
        "access" => asked(window),
        "object" => objected(window),
        "contact" => contacted(window),
        "scans" => begun(window, Kind::Scans, Ok(SupportRequest::Scans)),
        "preview" => begun(
            window,
            Kind::Preview,
            fields.case_request().map(|case_request| SupportRequest::Preview { case_request }),
        ),
        "create" => begun(window, Kind::Create, create(fields)),
        "stop" => stopped(window),
        "send" => sent(window, fields),
        "discard" => discarded(window, fields),
        "history_on" => history(window, HistoryAsk::On),
        "history_off" => history(window, HistoryAsk::Off),
        "history_erase" => history(window, HistoryAsk::Erase),
        "look" => looked(window, fields),
        "connection" => Ok(pages::check_with_connection(window)),
        _ => return None,
    })
}

fn answered(window: &Window, fields: &Fields, action: ConsentAction) -> Result<Markup, Refusal> {
    let request = fields.consent(action)?;
    if action == ConsentAction::Grant && request.by.is_none() {
        return Err(Refusal::Typed(t(
            "Say who answers: the owner, the privacy officer, or somebody they appointed.",
            "Vælg, hvem der svarer: ejeren, den databeskyttelsesansvarlige eller en befuldmægtiget.",
        )));
    }
    let answered: Answered = window.agent.ask(&Request::Consent(request))?;
    let said = match action {
        ConsentAction::Grant => t("Thank you. It is on from now on.", "Tak. Det er slået til fra nu af."),
        ConsentAction::Restrict => {
            t("Paused: nothing is collected or sent.", "På pause: intet indsamles eller sendes.")
        }
        ConsentAction::Release => t("It goes on.", "Det er genoptaget."),
        _ => t("Nothing is collected or sent.", "Intet indsamles eller sendes."),
    };
    Ok(html! {
        p data-go="start" { (said) }
        @if let Some(receipt) = answered.receipt_text() {
            pre.only tabindex="0" lang=(window.config.language.as_str()) { (shown(receipt)) }
            button.plain type="button" data-print { (t("Print the receipt", "Udskriv kvitteringen")) }
        }
    })
}

fn closed(window: &Window, fields: &Fields) -> Result<Markup, Refusal> {
    let case = fields.case()?;
    let request = ConsentRequest {
        purpose: Some(Purpose::SupportCase),
        case: Some(case),
        session: Some(Session::Console),
        ..ConsentRequest::new(ConsentAction::Withdraw)
    };
    let answered: Answered = window.agent.ask(&Request::Consent(request))?;
    Ok(html! {
        p { (t("The case is closed: nothing more of it leaves.", "Sagen er lukket: intet mere af den sendes.")) }
        @if let Some(receipt) = answered.receipt_text() { pre.only tabindex="0" lang=(window.config.language.as_str()) { (shown(receipt)) } }
    })
}

fn new_owner(window: &Window, fields: &Fields) -> Result<Markup, Refusal> {
    let request = fields.consent(ConsentAction::NewOwner)?;
    let NewOwner { ended, .. } = window.agent.ask(&Request::Consent(request))?;
    Ok(html! { p data-go="start" {
        (t(format!("Consents that ended: {ended}. Nothing is collected until the new owner allows it."),
           format!("Samtykker, der er ophørt: {ended}. Intet indsamles, før den nye ejer giver samtykke.")))
    } })
}

fn erased(window: &Window, fields: &Fields) -> Result<Markup, Refusal> {
    let erase =
        PrivacyAsk::Erase { by: fields.word("by"), session: Some(Session::Console), claim: fields.claim() };
    let Erased { keys } = window.agent.ask(&Request::Privacy(erase))?;
    Ok(html! { p {
        (t(format!("Erased: {keys} keys and everything that was kept under them. The vendor is asked to erase what was sent."),
           format!("Slettet: {keys} nøgler og alt, der var gemt under dem. Leverandøren bedes slette det sendte.")))
    } })
}

fn asked(window: &Window) -> Result<Markup, Refusal> {
    let _: Access = window.agent.ask(&Request::Privacy(PrivacyAsk::Access { vendor: true }))?;
    Ok(
        html! { p { (t("The vendor is asked. The request gets a number, which is shown below once the vendor has received it.",
        "Leverandøren er spurgt. Anmodningen får et nummer, som vises nedenfor, når leverandøren har modtaget den.")) } },
    )
}

fn objected(window: &Window) -> Result<Markup, Refusal> {
    let _: Objected = window.agent.ask(&Request::Privacy(PrivacyAsk::Object { case: None }))?;
    Ok(
        html! { p { (t("The vendor is asked to use it no more. The request gets a number, which is shown below once the vendor has received it.",
        "Leverandøren er bedt om ikke længere at bruge det. Anmodningen får et nummer, som vises nedenfor, når leverandøren har modtaget den.")) } },
    )
}

fn contacted(window: &Window) -> Result<Markup, Refusal> {
    let Contacts { .. } = window.agent.ask(&Request::Contact)?;
    Ok(html! { p { (t("The vendor is asked now. What it asks for appears on this page.",
    "Leverandøren spørges nu. Det, den beder om, vises på denne side.")) } })
}

fn create(fields: &Fields) -> Result<SupportRequest, Refusal> {
    let by = fields.get("by").and_then(role);
    let by = by.ok_or_else(|| Refusal::Typed(t("Say who answers.", "Vælg, hvem der svarer.")))?;
    let session = Some(Session::Console);
    Ok(SupportRequest::Create { draft: fields.text("draft")?, yes: fields.text("yes")?, by, session })
}

fn begun(window: &Window, kind: Kind, request: Result<SupportRequest, Refusal>) -> Result<Markup, Refusal> {
    window.jobs.begin(&window.agent, kind, request?)?;
    Ok(html! { p data-go="case" {
        @match kind {
            Kind::Scans => (t("Looking for scans.", "Leder efter optagelser.")),
            Kind::Preview => (t("It is being prepared. Nothing leaves.", "Den forberedes. Intet sendes.")),
            Kind::Create => (t("It is being sealed, and sent right after that.", "Den forsegles og sendes lige derefter.")),
        }
    } })
}

fn stopped(window: &Window) -> Result<Markup, Refusal> {
    let Done {} = window.agent.ask(&Request::Support(SupportRequest::Stop))?;
    Ok(html! { p { (t("Cancelled.", "Annulleret.")) } })
}

fn sent(window: &Window, fields: &Fields) -> Result<Markup, Refusal> {
    let send = SupportRequest::Send { bundle: fields.text("bundle")? };
    let Sending { .. } = window.agent.ask(&Request::Support(send))?;
    Ok(html! { p { (t("It is sent again.", "Den sendes igen.")) } })
}

fn discarded(window: &Window, fields: &Fields) -> Result<Markup, Refusal> {
    let discard = SupportRequest::Discard { id: fields.text("id")? };
    let Discarded { .. } = window.agent.ask(&Request::Support(discard))?;
    Ok(html! { p data-go="case" { (t("Erased. It was not sent.", "Slettet. Den blev ikke sendt.")) } })
}

fn history(window: &Window, ask: HistoryAsk) -> Result<Markup, Refusal> {
    let _: History = window.agent.ask(&Request::History(ask))?;
    let said = match ask {
        HistoryAsk::On => t("The history is on from now on.", "Historikken er slået til fra nu af."),
        HistoryAsk::Erase => t("The history is erased and off.", "Historikken er slettet og slået fra."),
        _ => {
            t("The history is off: what it holds stays.", "Historikken er slået fra: det opbevarede bliver.")
        }
    };
    Ok(html! { p { (said) } })
}

/// Opens a file that was left out, by the system and with this account's own rights: never through the page.
fn looked(window: &Window, fields: &Fields) -> Result<Markup, Refusal> {
    let at = fields.get("at").and_then(|at| at.parse::<usize>().ok());
    let came = window.jobs.came();
    let file = at.and_then(|at| came.left_out.get(at)).map(|file| std::path::PathBuf::from(&file.input));
    let opened = file.filter(|file| file.is_absolute()).is_some_and(|file| browser::open(&file).is_ok());
    if opened {
        return Ok(html! { p { (t("Opened.", "Åbnet.")) } });
    }
    Err(Refusal::Typed(t(
        "This account cannot open it: look for it by its name in the folder of the logs or scans.",
        "Denne konto kan ikke åbne den: find filen ved navn i mappen med logfiler eller optagelser.",
    )))
}
