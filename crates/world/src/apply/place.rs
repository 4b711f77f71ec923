//! Finds the line of a field in a manifest's text, so that a person is sent to it. An approximation
//! on purpose: it follows the path's words downwards and falls back to where the object begins.

/// Line and column, from 1, of the field's last word that is found at or below the object's first
/// line. Column 0: only the object is known.
pub(super) fn find(text: &str, from_line: usize, path: &str) -> (usize, usize) {
    let lines: Vec<&str> = text.lines().collect();
    let first = from_line.saturating_sub(1).min(lines.len());
    let end = lines
        .iter()
        .enumerate()
        .skip(first + 1)
        .find(|(_, line)| line.starts_with("---"))
        .map_or(lines.len(), |(number, _)| number);
    let (mut line, mut column, mut found) = (first, 0, None);
    for word in words(path) {
        let Some((at_line, at_column)) = next(&lines[..end], line, column, &word) else {
            break;
        };
        found = Some((at_line, at_column));
        (line, column) = (at_line, at_column + word.len());
    }
    found.map_or((from_line, 0), |(line, column)| (line + 1, column + 1))
}

/// `spec.containers[name="main"].image` is `spec:`, `containers:`, `name: main`, `image:`.
fn words(path: &str) -> Vec<String> {
    let mut words = Vec::new();
    for part in path.trim_start_matches('.').split(['.', ']']) {
        let (key, selector) = part.split_once('[').unwrap_or((part, ""));
        if !key.is_empty() {
            words.push(format!("{key}:"));
        }
        if let Some((name, value)) = selector.split_once('=') {
            words.push(format!("{name}: {}", value.trim_matches('"')));
        }
    }
    words
}

fn next(lines: &[&str], line: usize, column: usize, word: &str) -> Option<(usize, usize)> {
    for (number, text) in lines.iter().enumerate().skip(line) {
        let start = if number == line {
            column.min(text.len())
        } else {
            0
        };
        let rest = text.get(start..).unwrap_or_default();
        let code = rest.find(" #").map_or(rest, |comment| &rest[..comment]);
        for (at, _) in code.match_indices(word) {
            let before = text[..start + at].chars().next_back();
            if before.is_none_or(|letter| " {,\"'-".contains(letter)) {
                return Some((number, start + at));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "kind: A\nspec:\n  replica: 1\n---\nkind: B\nspec:\n  replicas: 2\n  template:\n    spec:\n      containers:\n        - name: side\n          image: x\n        - name: main\n          imagee: y # image: no\n          ports: [{nam: z}]\n";

    #[test]
    fn a_field_is_found_in_its_own_document() {
        assert_eq!(find(TEXT, 1, ".spec.replica"), (3, 3));
        assert_eq!(find(TEXT, 5, "spec.replicas"), (7, 3));
        let path = "spec.template.spec.containers[name=\"main\"].imagee";
        assert_eq!(find(TEXT, 5, path), (14, 11));
        let flow = "spec.template.spec.containers[1].ports[0].nam";
        assert_eq!(find(TEXT, 5, flow), (15, 20));
    }

    #[test]
    fn an_unknown_field_leads_to_its_object() {
        assert_eq!(find(TEXT, 5, "nowhere"), (5, 0));
        assert_eq!(find("", 1, "spec"), (1, 0));
    }
}
