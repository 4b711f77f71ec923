//! Which names an instance may have.

use flinklab_base::fault::Fault;

/// A node is named `<name>-control-plane`, which must fit a host name of 63 characters.
const NAME_LIMIT: usize = 48;

/// kind's rule for cluster names, and short enough for a node's host name. Also keeps the folder
/// below home: no separators, no leading dot.
pub fn valid_name(name: &str) -> Result<(), Fault> {
    let allowed = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.'
    };
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    let fine = bytes.iter().all(|byte| allowed(*byte))
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes.len() <= NAME_LIMIT;
    if fine {
        Ok(())
    } else {
        Err(Fault::wrong(
        "name-invalid",
        format!("`{name}` cannot be the name of a lab."),
    )
    .why("it is also the name of a kind cluster")
    .hint(format!(
        "Use a-z, 0-9, `-` and `.`, beginning and ending with a letter or digit, at most {NAME_LIMIT} characters."
    )))
    }
}
