//! Tests of what the world does itself.

use super::*;

#[test]
fn what_only_sets_something_is_done_at_once_and_in_order() {
    let addresses = Addresses::new("", "");
    let world = World::new(addresses, "t".to_owned(), None, true);
    for pace in [PollMode::Trouble, PollMode::Calm, PollMode::Trouble] {
        assert_eq!(world.set(Effect::PollMode(pace)), None);
        assert_eq!(*world.pace.borrow(), pace);
    }
    for attention in [DetailLevel::Job, DetailLevel::Usual] {
        assert_eq!(world.set(Effect::Attend(attention)), None);
        assert_eq!(*world.attention.borrow(), attention);
    }
    for lab in ["one", "two"] {
        let note = Note {
            lab: lab.to_owned(),
            ..Note::default()
        };
        assert_eq!(world.set(Effect::Note(Box::new(note.clone()))), None);
        assert_eq!(*world.note.borrow(), Some(note));
    }
    assert_eq!(world.set(Effect::Stop), Some(Effect::Stop));
}
