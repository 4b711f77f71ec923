//! The way on after a failure: everything is kept for a look; how to retry, how to remove it.

use crate::fault::{Fault, Kind};
use crate::world::World;

/// How far an `up` came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    /// It looked, and no more.
    Nothing,
    /// There is a lab's folder, and perhaps more.
    Something,
}

/// Adds the way on to a fault. Where this `up` came to make nothing, the fault says enough.
pub(super) fn on(mut fault: Fault, world: &World, made: Made) -> Fault {
    fault.mend = named(&fault.mend, &world.name);
    if made == Made::Nothing || matches!(fault.kind, Kind::Bug | Kind::Interrupted) {
        return fault;
    }
    let mut mend: Vec<String> = Vec::new();
    if !fault.mend.is_empty() {
        mend.push(fault.mend.clone());
    }
    let way = "Everything that was made is kept for a look. Retry: `flinklab up` does what is \
               missing. Remove: `flinklab down` keeps the data, `flinklab down --purge` does not.";
    mend.push(named(way, &world.name));
    fault.mend(mend.join("\n"))
}

/// Commands name the instance where it is not the usual one.
fn named(words: &str, name: &str) -> String {
    match name {
        "flinklab" => words.to_owned(),
        name => ["up", "down", "doctor"]
            .iter()
            .fold(words.to_owned(), |words, command| {
                let bare = format!("`flinklab {command}");
                words
                    .replace(&format!("{bare}`"), &format!("{bare} --name {name}`"))
                    .replace(
                        &format!("{bare} --purge`"),
                        &format!("{bare} --purge --name {name}`"),
                    )
                    .replace(
                        &format!("{bare} --resume`"),
                        &format!("{bare} --resume --name {name}`"),
                    )
            }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_name_the_instance() {
        let words = "Run `flinklab down`, then `flinklab up`; or `flinklab down --purge`.";
        assert_eq!(named(words, "flinklab"), words);
        assert_eq!(
            named(words, "x"),
            "Run `flinklab down --name x`, then `flinklab up --name x`; or `flinklab down --purge --name x`."
        );
    }
}
