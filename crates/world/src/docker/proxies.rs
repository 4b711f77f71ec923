//! Which proxies a node gets: those of the environment, else those of the Docker client's settings,
//! as kind has it.

use super::context;
use crate::Addresses;
use serde_json::Value;

/// The variables and the keys of the client's settings.
const KEYS: [(&str, &str); 3] = [
    ("HTTP_PROXY", "httpProxy"),
    ("HTTPS_PROXY", "httpsProxy"),
    ("NO_PROXY", "noProxy"),
];

/// Proxy variables under their upper-case names. The client's settings count where the environment
/// names no proxy; what it says of NO_PROXY stays even then.
pub(crate) fn proxies(addresses: &Addresses) -> Vec<(String, String)> {
    let mut all = addresses.proxies.clone();
    if all.iter().any(|(name, _)| name != "NO_PROXY") {
        return all;
    }
    for (name, value) in of_client(addresses).unwrap_or_default() {
        if all.iter().all(|(known, _)| *known != name) {
            all.push((name, value));
        }
    }
    all
}

/// The entry of `proxies` in the client's `config.json` for this Docker host, else the one for all.
/// A file that cannot be read is told where the host is looked up.
fn of_client(addresses: &Addresses) -> Option<Vec<(String, String)>> {
    let file = addresses.docker_config.as_ref()?.join("config.json");
    let config = context::read(&file).ok()??;
    let proxies = config.get("proxies")?;
    let own = context::host(addresses)
        .ok()
        .and_then(|host| proxies.get(host));
    let entry = own.or_else(|| proxies.get("default"))?;
    let found = KEYS.into_iter().filter_map(|(name, key)| {
        let value = entry.get(key).and_then(Value::as_str)?;
        (!value.is_empty()).then(|| (name.to_owned(), value.to_owned()))
    });
    Some(found.collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"{"proxies": {
        "default": {"httpProxy": "http://all:1", "noProxy": "corp", "ftpProxy": "ftp://x"},
        "tcp://127.0.0.1:2375": {"httpsProxy": "http://own:2"}
    }}"#;

    fn found(config: &str, host: Option<&str>, environment: &[(&str, &str)]) -> String {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.json"), config).unwrap();
        let given = environment.iter();
        let addresses = Addresses {
            docker: host.map(str::to_owned),
            docker_context: None,
            docker_config: Some(folder.path().to_owned()),
            home: folder.path().to_owned(),
            config: folder.path().to_owned(),
            proxies: given
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        };
        let all = proxies(&addresses);
        let words: Vec<String> = all
            .iter()
            .map(|(name, to)| format!("{name}={to}"))
            .collect();
        words.join(" ")
    }

    #[test]
    fn the_clients_proxies_count_where_the_environment_names_none() {
        assert_eq!(
            found(CONFIG, None, &[]),
            "HTTP_PROXY=http://all:1 NO_PROXY=corp"
        );
        assert_eq!(
            found(CONFIG, Some("tcp://127.0.0.1:2375"), &[]),
            "HTTPS_PROXY=http://own:2",
            "an entry for this host stands for itself"
        );
        assert_eq!(
            found(CONFIG, None, &[("NO_PROXY", "mine")]),
            "NO_PROXY=mine HTTP_PROXY=http://all:1"
        );
        assert_eq!(
            found(CONFIG, None, &[("HTTPS_PROXY", "http://mine:3")]),
            "HTTPS_PROXY=http://mine:3"
        );
        for none in [
            "{}",
            "{\"proxies\": {}}",
            "{\"proxies\": [1]}",
            "no JSON",
            "",
        ] {
            assert_eq!(found(none, None, &[]), "", "{none}");
        }
    }
}
