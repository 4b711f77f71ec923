//! A lab's lessons as they are read from where the lab came from, and how far each was gone through:
//! one file in the lab's folder. Knows no step's meaning.

use super::World;
use super::home::{Home, Source};
use super::open::open;
use flinklab_base::advice;
use flinklab_base::fault::Fault;
use flinklab_event::{Event, Kept};
use flinklab_lab::{Lab, Lesson};
use std::collections::BTreeMap;
use std::io::Read;

/// A file of progress above this is not ours.
const LIMIT: u64 = 64 * 1024;

/// The lessons of the lab that there is, or of the one that would be built.
pub fn all(world: &World) -> Result<Vec<Lesson>, Fault> {
    let name = source(world)?;
    of_lab(&world.definition_of(&name)?, &name)
}

/// The files that they stand in, by their path in the lab's folder.
pub fn files(world: &World) -> Result<Vec<(String, String)>, Fault> {
    flinklab_lab::lesson_files(&source(world)?)
}

/// The name or the folder of the lab.
fn source(world: &World) -> Result<String, Fault> {
    Ok(match (open(world)?, &world.lab) {
        (Some(opened), _) => kept_in(&opened.state.definition.source),
        (None, Some(asked)) => asked.clone(),
        (None, None) => "default".to_owned(),
    })
}

/// The name or the folder that has the lessons of a lab that was made of that.
pub(super) fn kept_in(source: &Source) -> String {
    match source {
        Source::BuiltIn(name) => name.clone(),
        Source::Folder(folder) if folder.is_dir() => folder.display().to_string(),
        Source::Folder(_) => "default".to_owned(),
    }
}

/// The lessons of a lab that was read under that name or in that folder.
pub fn of_lab(lab: &Lab, name_or_folder: &str) -> Result<Vec<Lesson>, Fault> {
    flinklab_lab::lessons(lab, name_or_folder)
}

/// The one that a person means.
fn meant(world: &World, words: &str) -> Result<Lesson, Fault> {
    let all = all(world)?;
    let keys: Vec<&str> = all.iter().map(|lesson| lesson.key.as_str()).collect();
    let found = all.iter().find(|lesson| lesson.is_meant(words));
    found.cloned().ok_or_else(|| {
        Fault::wrong("no-lesson", format!("There is no lesson `{words}`."))
            .why(format!("there are {}", keys.join(", ")))
            .hint(advice!("`flinklab lesson` lists them."))
    })
}

/// The one that a person means, if it has that step; 0 is where it was left.
pub fn meant_from(world: &World, words: &str, from: u8) -> Result<Lesson, Fault> {
    let lesson = meant(world, words)?;
    if usize::from(from) > lesson.steps.len() {
        let what = format!("`{}` has {} steps.", lesson.key, lesson.steps.len());
        return Err(
            Fault::wrong("no-step", what).hint("Begin at one of them, or leave --from away.")
        );
    }
    Ok(lesson)
}

/// What the screen is told when a lab is opened.
pub(super) fn of(world: &World) -> Event {
    let (all, wrong) = match all(world) {
        Ok(all) => (all, None),
        Err(fault) => (Vec::new(), Some(fault)),
    };
    Event::Lessons {
        all,
        wrong,
        kept: kept(world),
    }
}

/// How far each was gone through. What cannot be read is as good as not written: nothing is lost
/// but a bookmark.
pub fn kept(world: &World) -> BTreeMap<String, Kept> {
    let home = Home::of(&world.addresses, &world.name);
    let path = home.lessons();
    let mut text = String::new();
    let read = home.plain(&path).ok().and_then(|()| {
        let file = std::fs::File::open(&path).ok()?;
        file.take(LIMIT).read_to_string(&mut text).ok()
    });
    match read {
        Some(_) => serde_json::from_str(&text).unwrap_or_default(),
        None => BTreeMap::new(),
    }
}

/// Writes down how far one is.
pub fn keep(world: &World, key: &str, kept_now: Kept) {
    let home = Home::of(&world.addresses, &world.name);
    // Without a lab there is no folder of ours to write into.
    if world.read_only || !matches!(home.read_state(), Ok(Some(_))) {
        return;
    }
    let mut all = kept(world);
    all.insert(key.to_owned(), kept_now);
    let text = serde_json::to_string(&all).unwrap_or_default();
    if let Err(fault) = home.replace(&home.lessons(), text.as_bytes()) {
        tracing::warn!(%fault, "how far a lesson is cannot be kept");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::Addresses;
    use crate::home::State;
    use flinklab_lab::Lab;

    #[test]
    fn how_far_a_lesson_is_is_kept_in_the_labs_folder_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let addresses = Addresses::new(folder.path(), folder.path());
        let world = World::new(addresses, "t".to_owned(), None, false);
        let home = Home::of(&world.addresses, &world.name);
        let two = Kept {
            step: 2,
            done: false,
        };
        keep(&world, "1-lease", two);
        assert!(!home.folder.exists(), "there is no lab");
        home.create().unwrap();
        let lab = Lab::open("default").unwrap();
        let source = Source::BuiltIn("default".to_owned());
        let state = State::new("t", &lab, source, jiff::Timestamp::UNIX_EPOCH).unwrap();
        home.write_state(&state).unwrap();
        keep(&world, "1-lease", two);
        keep(&world, "2-stop-and-crash", Kept::default());
        assert_eq!(kept(&world)["1-lease"], two);
        assert_eq!(kept(&world).len(), 2);
        std::fs::write(home.lessons(), "{").unwrap();
        assert!(kept(&world).is_empty(), "a bookmark that is broken is none");
        assert_eq!(meant(&world, "lease").unwrap().key, "1-lease");
        assert_eq!(meant(&world, "8").unwrap_err().code, "no-lesson");
        let steps = u8::try_from(meant(&world, "1").unwrap().steps.len()).unwrap();
        assert!(meant_from(&world, "1", 0).is_ok(), "where it was left");
        assert!(meant_from(&world, "1", steps).is_ok());
        let none = meant_from(&world, "1", steps + 1).unwrap_err();
        assert_eq!(none.code, "no-step");
    }
}
