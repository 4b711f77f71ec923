//! The picture held still: nothing that happens moves it, and what is done with it is done with what
//! it shows.

use crate::models::{LEADER, STANDBY, Scene, pods};
use crate::pages::lived;
use crate::screens::drawn;
use flinklab_event::{Effect, Event, KeyCode, PodChange};
use flinklab_tui::Page;

/// All but the status line, which counts what happened meanwhile.
fn rows(scene: &Scene) -> Vec<String> {
    let text = drawn(&scene.ui, 80, 24).to_string();
    text.lines().skip(1).map(str::to_owned).collect()
}

/// Lines of the log pour in.
fn pour(scene: &mut Scene, from: f64) {
    for n in 0..60 {
        let seconds = from + f64::from(n) / 10.0;
        scene.log(seconds, LEADER, &format!("new line {n}"), None);
    }
}

/// The text of what was copied last.
fn copied(scene: &Scene) -> String {
    scene.ui.screen.copied.clone().unwrap().1
}

#[test]
fn a_log_scrolled_back_shows_the_same_lines_however_many_come() {
    for keys in ["l", "lkkk", "lg", "5kk", "l&checkpoint"] {
        let mut scene = lived();
        scene.keys(keys);
        if keys.contains('&') {
            scene.key(KeyCode::Enter);
        }
        scene.keys(" ");
        let before = rows(&scene);
        pour(&mut scene, 83.0);
        assert_eq!(rows(&scene), before, "{keys}");
    }
}

#[test]
fn a_held_log_is_scrolled_in_what_it_shows() {
    let mut scene = lived();
    scene.keys("l ");
    let newest = rows(&scene);
    scene.keys("k");
    let back = rows(&scene);
    assert_ne!(back, newest);
    pour(&mut scene, 83.0);
    assert_eq!(rows(&scene), back);
    scene.keys("kk");
    assert_ne!(rows(&scene), back);
    scene.keys("jj");
    assert_eq!(rows(&scene), back);
    scene.keys("G");
    assert_eq!(rows(&scene), newest);
}

#[test]
fn the_line_that_is_shown_is_copied() {
    let mut scene = lived();
    scene.keys("ly");
    let newest = copied(&scene);
    scene.keys("kky");
    let older = copied(&scene);
    assert_ne!(older, newest);
    scene.keys(" ");
    pour(&mut scene, 83.0);
    scene.keys("y");
    assert_eq!(copied(&scene), older);
    scene.keys("Gy");
    assert_eq!(copied(&scene), newest);
    scene.keys(" Gy");
    assert!(
        copied(&scene).ends_with("new line 59"),
        "{}",
        copied(&scene)
    );
}

/// In a held picture the row of the pod that leads now is chosen, below that of the old leader.
fn leader_chosen() -> (Scene, String) {
    let mut scene = lived();
    let listed = scene.ui.model.cluster.listed_pods();
    let row = listed.iter().position(|pod| pod.name == STANDBY).unwrap();
    let uid = listed[row].uid.clone();
    scene.keys(&"j".repeat(row)).keys(" ");
    (scene, uid)
}

#[test]
fn enter_opens_the_row_that_is_shown() {
    let (mut scene, uid) = leader_chosen();
    let others = pods().into_iter().filter(|pod| pod.uid != uid);
    for pod in others {
        scene.at(83.0, Event::Pods(PodChange::Deleted { uid: pod.uid }));
    }
    let before = rows(&scene);
    scene.key(KeyCode::Enter);
    let page = rows(&scene).join("\n");
    assert_ne!(rows(&scene), before);
    assert!(
        page.contains(STANDBY) && page.contains("JobManager, leads"),
        "{page}"
    );
    assert!(!page.contains("gone"), "{page}");
}

#[test]
fn what_is_gone_meanwhile_is_told_as_such() {
    let (mut scene, uid) = leader_chosen();
    scene.at(83.0, Event::Pods(PodChange::Deleted { uid }));
    scene.key(KeyCode::Enter);
    let page = rows(&scene).join("\n");
    assert!(page.contains("is gone by now"), "{page}");
    assert!(page.contains("JobManager, leads"), "{page}");
    insta::assert_snapshot!("held-gone", drawn(&scene.ui, 80, 24).to_string());
    // and the picture that goes on shows what is there
    scene.keys(" ");
    assert!(rows(&scene).join("\n").contains("This pod is gone."));
}

#[test]
fn what_acts_on_the_lab_acts_on_what_it_is_now() {
    let mut scene = lived();
    scene.keys(" ");
    scene.keys("x");
    assert!(!drawn(&scene.ui, 80, 24).to_string().contains("PAUSED"));
    assert_eq!(scene.ui.screen.page, Page::Failures);
    let mut scene = lived();
    scene.keys("l ");
    let effects = scene.key(KeyCode::Char('U'));
    assert_eq!(effects, [Effect::Heal]);
    assert!(!drawn(&scene.ui, 80, 24).to_string().contains("PAUSED"));
    // a key that fires is not taken for what it meant in an old picture
    let mut scene = lived();
    scene.keys("! ");
    assert_eq!(scene.key(KeyCode::Char('1')), []);
    let text = drawn(&scene.ui, 80, 24).to_string();
    assert!(!text.contains("PAUSED") && text.contains("again"), "{text}");
}
