//! Every key known, every default as shipped, no value ever in an error.

use protocol::signature::{Context, TrustedKey, TrustedKeys};

use super::*;

#[test]
fn an_empty_file_is_the_default() {
    assert_eq!(Config::parse("").unwrap(), Config::default());
}

#[test]
fn what_is_shipped_is_the_default_and_names_every_key() {
    let linux = include_str!("../../../packaging/linux/agent.toml");
    let windows = include_str!("../../../packaging/windows/agent.toml");
    let shipped = if cfg!(windows) { windows } else { linux };
    let mut config = Config::parse(shipped).unwrap();
    config.support.recipients.clear();
    assert_eq!(config, Config::default());
    let keys = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with(['#', '[']));
        lines
            .filter_map(|line| line.split_once(" ="))
            .map(|(key, _)| key.trim().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(linux), keys(windows));
    for key in KNOWN {
        let name = key.rsplit('.').next().unwrap();
        assert!(shipped.contains(&format!("{name} ")) || shipped.contains(&format!("{name}=")), "{key}");
    }
}

#[test]
fn quantities_have_units() {
    let config =
        Config::parse("[ship]\ninterval = \"0s\"\nrate = \"2 MiB/s\"\n[spool]\nquota = \"8 MiB\"").unwrap();
    assert_eq!(
        (config.ship.interval, config.ship.rate, config.spool.quota),
        (Duration::ZERO, 2 << 20, 8 << 20)
    );
    for bad in ["64", "64 MB", "-1 MiB", "99999999999999999999 B", "99999999999 GiB"] {
        assert_eq!(
            Config::parse(&format!("[spool]\nquota = \"{bad}\"")),
            Err(ConfigError::Value {
                line: 2,
                key: "spool.quota",
                found: Some(format!("\"{bad}\"")),
                may: May::Quota
            }),
            "{bad}"
        );
    }
}

#[test]
fn a_quota_below_two_segments_is_read_and_not_run_with() {
    let quota = |quota: &str| Config::parse(&format!("[spool]\nquota = \"{quota}\"")).unwrap().check();
    assert_eq!((quota("16 MiB"), Config::default().check()), (Ok(()), Ok(())));
    for small in ["0 B", "3 MiB", "16383 KiB"] {
        assert_eq!(quota(small), Err(ConfigError::SmallQuota { least: 16 }), "{small}");
    }
    assert!(ConfigError::SmallQuota { least: 16 }.to_string().contains("16 MiB"));
}

#[test]
fn an_unknown_key_is_named_with_its_nearest() {
    let error = Config::parse("[ship]\nintervall = \"6h\"").unwrap_err();
    assert_eq!(
        error,
        ConfigError::UnknownKey { line: 2, key: "ship.intervall".into(), nearest: "ship.interval" }
    );
    assert!(Config::parse("dta_dir = \"x\"").unwrap_err().to_string().contains("`data_dir`"));
}

#[test]
fn an_error_never_prints_a_value() {
    let error = Config::parse("[collector]\nproxy = [\"http://user:secret@proxy\"]").unwrap_err();
    assert_eq!(error, ConfigError::Value { line: 2, key: "collector.proxy", found: None, may: May::Text });
    assert!(!error.to_string().contains("secret"));
}

#[test]
fn a_key_of_the_vendors_says_what_it_may_sign() {
    const KEY: &str = "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=";
    let read = |keys: &str| Config::parse(&format!("[vendor]\nkeys = {keys}"));
    let good = format!("[{{ key = \"{KEY}\", signs = [\"release\", \"notice\"] }}]");
    let expected = TrustedKey { key: KEY.parse().unwrap(), signs: vec![Context::Release, Context::Notice] };
    assert_eq!(read(&good).unwrap().vendor.keys, TrustedKeys::new(vec![expected]));
    assert!(read("[]").unwrap().vendor.keys.is_empty());

    for (number, flaw, keys) in [
        (1, KeyFlaw::Shape, "\"release\"".to_owned()),
        (1, KeyFlaw::Shape, format!("[\"{KEY}\"]")),
        (1, KeyFlaw::Shape, format!("[{{ key = \"{KEY}\" }}]")),
        (1, KeyFlaw::Shape, format!("[{{ key = \"{KEY}\", sign = [\"release\"] }}]")),
        (1, KeyFlaw::Shape, format!("[{{ key = \"{KEY}\", signs = [\"release\"], until = 2030 }}]")),
        (1, KeyFlaw::Key, "[{ key = \"AAAA\", signs = [\"release\"] }]".to_owned()),
        (1, KeyFlaw::Key, "[{ key = 7, signs = [\"release\"] }]".to_owned()),
        (1, KeyFlaw::Signs, format!("[{{ key = \"{KEY}\", signs = [] }}]")),
        (1, KeyFlaw::Signs, format!("[{{ key = \"{KEY}\", signs = \"release\" }}]")),
        (1, KeyFlaw::Signs, format!("[{{ key = \"{KEY}\", signs = [\"relase\"] }}]")),
        (2, KeyFlaw::Repeated, format!("{}, {}", good.trim_end_matches(']'), good.trim_start_matches('['))),
    ] {
        let error = read(&keys).unwrap_err();
        assert_eq!(error, ConfigError::VendorKey { number, flaw }, "{keys}");
        assert!(!error.to_string().contains("iojj") && !error.to_string().contains("relase"), "{error}");
    }
    let flaw = KeyFlaw::Signs.to_string();
    assert!(Context::ALL.iter().all(|context| flaw.contains(context.as_str())), "{flaw}");
    let error = read("[{ key = \"AAAA\", signs = [] }]").unwrap_err().to_string();
    assert!(error.contains("entry 1") && error.contains("base64") && error.contains("signs = ["), "{error}");
}

#[test]
fn the_language_is_found_even_where_the_rest_cannot_be_used() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.toml");
    for (text, language) in [
        ("language = \"da\"", Language::Da),
        ("  'language'='da' # Danish\r\ndta_dir = 1\n[keys", Language::Da),
        ("data_dir = C:\\x\nlanguage = \"da\"\n", Language::Da),
        ("# language = \"da\"", Language::En),
        ("[kathea]\nlanguage = \"da\"", Language::En),
        ("language = \"dk\"", Language::En),
        ("language = \"en\"\n", Language::En),
        ("", Language::En),
    ] {
        std::fs::write(&path, text).unwrap();
        assert_eq!(Config::language(&path), language, "{text}");
    }
    assert_eq!(Config::language(&dir.path().join("nowhere")), Language::En);
}
