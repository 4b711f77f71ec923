//! Pointers as Flink writes them: Base64 of a Java-serialized state handle that ends in a path.
//! Built from the parts that a real one has, so that a decoder of real ones reads them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A pointer to a file of that size.
pub(super) fn encode(path: &str, size: u64) -> String {
    let mut out = vec![0xac, 0xed, 0x00, 0x05];
    class(
        &mut out,
        "org.apache.flink.kubernetes.highavailability.KubernetesStateHandleStore$StateHandleWithDeleteMarker",
        [0x1b, 0xad, 0x44, 0x80, 0xef, 0x86, 0x0d, 0x7c],
        2,
        &[
            (b'Z', "markedForDeletion", None),
            (
                b'L',
                "inner",
                Some("Lorg/apache/flink/runtime/state/RetrievableStateHandle;"),
            ),
        ],
    );
    out.push(0);
    class(
        &mut out,
        "org.apache.flink.runtime.state.RetrievableStreamStateHandle",
        [0x00, 0x01, 0x1e, 0x18, 0xf1, 0x55, 0x97, 0x2b],
        2,
        &[(
            b'L',
            "wrappedStreamStateHandle",
            Some("Lorg/apache/flink/runtime/state/StreamStateHandle;"),
        )],
    );
    class(
        &mut out,
        "org.apache.flink.runtime.state.filesystem.FileStateHandle",
        [0x04, 0xdc, 0x75, 0xd8, 0x62, 0xbd, 0x1b, 0xb3],
        2,
        &[
            (b'J', "stateSize", None),
            (b'L', "filePath", Some("Lorg/apache/flink/core/fs/Path;")),
        ],
    );
    out.extend(size.to_be_bytes());
    class(
        &mut out,
        "org.apache.flink.core.fs.Path",
        [0, 0, 0, 0, 0, 0, 0, 1],
        2,
        &[(b'L', "uri", Some("Ljava/net/URI;"))],
    );
    class(
        &mut out,
        "java.net.URI",
        [0xac, 0x01, 0x78, 0x2e, 0x43, 0x9e, 0x49, 0xab],
        3,
        &[(b'L', "string", Some("Ljava/lang/String;"))],
    );
    string(&mut out, path);
    out.push(b'x');
    STANDARD.encode(out)
}

/// A new object of a class described in full: no superclass, no annotations.
fn class(
    out: &mut Vec<u8>,
    name: &str,
    serial: [u8; 8],
    flags: u8,
    fields: &[(u8, &str, Option<&str>)],
) {
    out.extend([b's', b'r']);
    text(out, name);
    out.extend(serial);
    out.push(flags);
    out.extend((fields.len() as u16).to_be_bytes());
    for (kind, field, signature) in fields {
        out.push(*kind);
        text(out, field);
        if let Some(signature) = signature {
            string(out, signature);
        }
    }
    out.extend([b'x', b'p']);
}

fn string(out: &mut Vec<u8>, of: &str) {
    out.push(b't');
    text(out, of);
}

fn text(out: &mut Vec<u8>, of: &str) {
    out.extend((of.len() as u16).to_be_bytes());
    out.extend(of.as_bytes());
}

/// The path in a pointer: the last string that looks like an address.
pub(super) fn path(pointer: &str) -> Option<String> {
    let bytes = STANDARD.decode(pointer).ok()?;
    let tail = bytes.strip_suffix(b"x").unwrap_or(&bytes);
    (0..tail.len().saturating_sub(3)).rev().find_map(|at| {
        let length = usize::from(u16::from_be_bytes([tail[at + 1], tail[at + 2]]));
        let found = tail.get(at + 3..at + 3 + length)?;
        let found = std::str::from_utf8(found).ok()?;
        (tail[at] == b't' && found.contains(":/")).then(|| found.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_byte_for_byte_what_flink_wrote() {
        // The pointer of checkpoint 4 in a config map of Flink 2.2.1.
        let real = "rO0ABXNyAGNvcmcuYXBhY2hlLmZsaW5rLmt1YmVybmV0ZXMuaGlnaGF2YWlsYWJpbGl0eS5LdWJlcm5ldGVzU3RhdGVIYW5kbGVTdG9yZSRTdGF0ZUhhbmRsZVdpdGhEZWxldGVNYXJrZXIbrUSA74YNfAIAAloAEW1hcmtlZEZvckRlbGV0aW9uTAAFaW5uZXJ0ADdMb3JnL2FwYWNoZS9mbGluay9ydW50aW1lL3N0YXRlL1JldHJpZXZhYmxlU3RhdGVIYW5kbGU7eHAAc3IAO29yZy5hcGFjaGUuZmxpbmsucnVudGltZS5zdGF0ZS5SZXRyaWV2YWJsZVN0cmVhbVN0YXRlSGFuZGxlAAEeGPFVlysCAAFMABh3cmFwcGVkU3RyZWFtU3RhdGVIYW5kbGV0ADJMb3JnL2FwYWNoZS9mbGluay9ydW50aW1lL3N0YXRlL1N0cmVhbVN0YXRlSGFuZGxlO3hwc3IAOW9yZy5hcGFjaGUuZmxpbmsucnVudGltZS5zdGF0ZS5maWxlc3lzdGVtLkZpbGVTdGF0ZUhhbmRsZQTcddhivRuzAgACSgAJc3RhdGVTaXplTAAIZmlsZVBhdGh0AB9Mb3JnL2FwYWNoZS9mbGluay9jb3JlL2ZzL1BhdGg7eHAAAAAAAAAmmHNyAB1vcmcuYXBhY2hlLmZsaW5rLmNvcmUuZnMuUGF0aAAAAAAAAAABAgABTAADdXJpdAAOTGphdmEvbmV0L1VSSTt4cHNyAAxqYXZhLm5ldC5VUkmsAXguQ55JqwMAAUwABnN0cmluZ3QAEkxqYXZhL2xhbmcvU3RyaW5nO3hwdAA9ZmlsZTovZmxpbmstc2hhcmVkL2hhL2RlZmF1bHQvY29tcGxldGVkQ2hlY2twb2ludDAwNTJmNzEzYmQyYng=";
        let at = "file:/flink-shared/ha/default/completedCheckpoint0052f713bd2b";
        assert_eq!(encode(at, 0x2698), real);
        assert_eq!(path(real).as_deref(), Some(at));
    }
}
