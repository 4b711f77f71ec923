//! `kind.yaml`'s patches for containerd, carried out as kind does: on the file's TOML as JSON. Pure.

use super::kubeadm::patch;
use serde_json::{Map, Number, Value};

/// The patched file, and the patches that were left out since they are for another version of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patched {
    /// TOML.
    pub text: String,
    /// Their places in `kind.yaml`.
    pub left_out: Vec<String>,
}

/// What cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// A patch's place in `kind.yaml`; of the node's own file, none.
    pub path: Option<String>,
    /// Why.
    pub why: String,
}

/// The file with merge patches and then JSON patches, each in their order. A merge patch that names
/// another version than the file's is left out.
pub fn patched(text: &str, merges: &[String], changes: &[String]) -> Result<Patched, Unfit> {
    let own = |why: String| Unfit { path: None, why };
    let mut config = toml::from_str(text).map_err(|error| own(error.to_string()))?;
    as_go_writes(&mut config);
    let mut left_out = Vec::new();
    for (index, text) in merges.iter().enumerate() {
        let path = format!("containerdConfigPatches[{index}]");
        let merge = read(text).map_err(|why| Unfit {
            path: Some(path.clone()),
            why,
        })?;
        let version = merge.get("version").filter(|version| **version != 0);
        if version.is_some() && version != config.get("version") {
            left_out.push(path);
            continue;
        }
        json_patch::merge(&mut config, &merge);
    }
    for (index, text) in changes.iter().enumerate() {
        let path = format!("containerdConfigPatchesJSON6902[{index}]");
        let unfit = |why: String| Unfit {
            path: Some(path.clone()),
            why,
        };
        let operations = patch::json_operations(text).map_err(|mistake| unfit(mistake.what))?;
        patch::apply(&mut config, &operations).map_err(|mistake| unfit(mistake.what))?;
    }
    without_nothing(&mut config);
    let text = toml::to_string(&config).map_err(|error| own(error.to_string()))?;
    Ok(Patched { text, left_out })
}

/// A merge patch as JSON, read by TOML 1.0 as kind does: later versions allow more.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let mut patch: Value = basic_toml::from_str(text).map_err(|error| error.to_string())?;
    if holds_nothing(&patch) {
        return Err("`inf` and `nan` are no numbers to kind".to_owned());
    }
    if patch
        .get("version")
        .is_some_and(|version| !version.is_i64())
    {
        return Err("`version` must be a whole number".to_owned());
    }
    as_go_writes(&mut patch);
    Ok(patch)
}

/// TOML has no null: one in what was read is a number that JSON does not have.
fn holds_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(holds_nothing),
        Value::Object(map) => map.values().any(holds_nothing),
        _ => false,
    }
}

/// A whole number stays one on kind's way through JSON, with a point or not.
fn as_go_writes(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(float) = number.as_f64().filter(|_| number.is_f64())
                && float.fract() == 0.0
                && let Some(whole) = whole(float)
            {
                *number = whole;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(as_go_writes),
        Value::Object(map) => map.values_mut().for_each(as_go_writes),
        _ => {}
    }
}

fn whole(float: f64) -> Option<Number> {
    /// The largest numbers of a float without gaps.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and small enough")]
    (float.abs() <= EXACT).then(|| Number::from(float as i64))
}

/// A value that a JSON patch sets to null is not written.
fn without_nothing(value: &mut Value) {
    match value {
        Value::Object(map) => {
            let kept = std::mem::replace(map, Map::new());
            *map = kept.into_iter().filter(|(_, one)| !one.is_null()).collect();
            map.values_mut().for_each(without_nothing);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nothing),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const CONFIG: &str = "version = 2\n[plugins.\"cri\".containerd]\n  snapshotter = \"overlayfs\"\n  list = [\"a\"]\n";

    fn lines(merges: &[&str], changes: &[&str]) -> Result<Value, Unfit> {
        let owned = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        let made = patched(CONFIG, &owned(merges), &owned(changes))?;
        Ok(toml::from_str(&made.text).unwrap())
    }

    #[test]
    fn patches_merge_into_what_is_there() {
        let found = lines(
            &[
                "[plugins.cri.containerd]\nlist = [\"b\"]\n[plugins.cri.registry]\npath = \"/x\"\nwait = 2.0",
            ],
            &[r#"[{"op": "add", "path": "/debug", "value": {"level": "warn", "none": null}}]"#],
        );
        let expected = serde_json::json!({
            "version": 2,
            "plugins": {"cri": {
                "containerd": {"snapshotter": "overlayfs", "list": ["b"]},
                "registry": {"path": "/x", "wait": 2},
            }},
            "debug": {"level": "warn"},
        });
        assert_eq!(found.unwrap(), expected);
    }

    #[test]
    fn a_patch_for_another_version_is_left_out() {
        for (version, other) in [(2, 3), (3, 2), (4, 3)] {
            let config = format!("version = {version}\n");
            let own = format!("version = {version}\n[a]\nb = 1");
            let foreign = format!("version = {other}\n[c]\nd = 1");
            let made = patched(&config, &[foreign, own, "e = 1".to_owned()], &[]).unwrap();
            let found: Value = toml::from_str(&made.text).unwrap();
            let expected = serde_json::json!({"version": version, "a": {"b": 1}, "e": 1});
            assert_eq!(found, expected);
            assert_eq!(made.left_out, ["containerdConfigPatches[0]"]);
        }
    }

    #[test]
    fn a_broken_patch_is_named() {
        for patch in [
            "[a",
            "a = {b = 1,}",
            "a = \"\\e\"",
            "a = inf",
            "version = \"2\"",
        ] {
            let unfit = lines(&[patch], &[]).unwrap_err();
            assert_eq!(
                unfit.path.as_deref(),
                Some("containerdConfigPatches[0]"),
                "{patch}"
            );
        }
        for change in [
            r#"[{"op": "remove", "path": "/none"}]"#,
            "- {op: add, path: /a, value: 1}",
        ] {
            let unfit = lines(&[], &[change]).unwrap_err();
            let path = unfit.path.as_deref();
            assert_eq!(path, Some("containerdConfigPatchesJSON6902[0]"), "{change}");
        }
    }
}
