//! Values of Kubernetes' own objects that must be texts, where kubectl reads something else: the API
//! server would refuse them, after all that comes before has been applied.

use super::json::json;
use super::mistake::Mistake;
use super::yaml::{Node, Style, Value};

/// Keys whose value is a text wherever they stand in Kubernetes' own objects.
const KEYS: [&str; 18] = [
    "apiVersion",
    "claimName",
    "effect",
    "image",
    "imagePullPolicy",
    "key",
    "kind",
    "mountPath",
    "name",
    "namespace",
    "operator",
    "path",
    "protocol",
    "serviceAccountName",
    "storageClassName",
    "subPath",
    "type",
    "volumeName",
];
/// Maps and lists of texts.
const ABOVE: [&str; 11] = [
    "accessModes",
    "annotations",
    "args",
    "command",
    "data",
    "labels",
    "matchLabels",
    "nodeSelector",
    "resourceNames",
    "stringData",
    "verbs",
];

/// The first text that is none.
pub(super) fn check(root: &Node) -> Result<(), Mistake> {
    below(root, "", "")
}

/// `key` is the one that leads to this node, `above` the one before it; lists have none.
fn below(node: &Node, key: &str, above: &str) -> Result<(), Mistake> {
    match &node.value {
        Value::Map(entries) => entries
            .iter()
            .try_for_each(|(name, value)| below(value, name.text().unwrap_or_default(), key)),
        Value::List(items) => items.iter().try_for_each(|item| match item.value {
            Value::Scalar { .. } => below(item, "", key),
            Value::Map(_) | Value::List(_) => below(item, key, above),
        }),
        Value::Scalar { text, style } => {
            let is_text = KEYS.contains(&key)
                || ABOVE.contains(&above)
                || (key == "value" && matches!(above, "env" | "tolerations"));
            if !is_text || *style != Style::Plain {
                return Ok(());
            }
            match json(node)? {
                serde_json::Value::String(_) | serde_json::Value::Null => Ok(()),
                other => {
                    let shown = match key {
                        "" => above,
                        key => key,
                    };
                    Err(Mistake::at(node.at, format!("`{shown}` must be a text."))
                        .why(format!("kubectl reads `{text}` as {other}"))
                        .hint(format!("Write `\"{text}\"`.")))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::yaml::{Dialect, read_as};
    use super::*;

    fn told(text: &str) -> String {
        let tree = read_as(text, Dialect::Kubectl).expect("YAML").remove(0);
        match check(&tree) {
            Ok(()) => "fine".to_owned(),
            Err(mistake) => format!(
                "{}:{} {} ({})",
                mistake.at.line, mistake.at.column, mistake.what, mistake.why
            ),
        }
    }

    #[test]
    fn a_number_where_a_text_must_be_is_told() {
        for (text, wanted) in [
            (
                "metadata: {labels: {a: on}}",
                "1:24 `a` must be a text. (kubectl reads `on` as true)",
            ),
            (
                "data: {mode: 0755}",
                "1:14 `mode` must be a text. (kubectl reads `0755` as 493)",
            ),
            (
                "spec: {env: [{name: A, value: 8081}]}",
                "1:31 `value` must be a text. (kubectl reads `8081` as 8081)",
            ),
            (
                "spec: {args: [a, 1]}",
                "1:18 `args` must be a text. (kubectl reads `1` as 1)",
            ),
            (
                "spec: {args: [a, \"1\"], defaultMode: 0755, optional: on}",
                "fine",
            ),
            ("value: 1000", "fine"),
            ("data: {a: }", "fine"),
        ] {
            assert_eq!(told(text), wanted, "{text}");
        }
    }
}
