//! A HA folder with hundreds of orphans, as clusters have that live for months: verdicts and undos
//! are the same as without.

use crate::scenarios::{SPEED, Scene, statement};
use flinklab_lab::Lab;
use flinklab_sim::Images;

const ORPHANS: usize = 700;

#[test]
fn orphans_in_the_ha_folder_change_no_verdict_and_no_undo() {
    let scene = Scene::of(Lab::open("default").unwrap(), SPEED, Images::Present);
    assert_eq!(scene.result(&["up"])["outcome"], "ready");
    let ha = scene.program().home().join("flinklab/shared/ha/flinklab");
    for n in 0..ORPHANS {
        std::fs::write(ha.join(format!("completedCheckpointold{n}")), "").unwrap();
    }
    let job = || scene.run(&["status"]).objects()[0]["job"]["id"].clone();
    let before = job();
    let breaks = |key: &str, code: i32| {
        let ended = scene.run(&["break", key]);
        let result = ended.objects().pop().unwrap()["result"].take();
        assert_eq!(ended.code, code, "{result:#}");
        assert_eq!(
            statement(&result, "pointer")["verdict"],
            "PASS",
            "{result:#}"
        );
        scene.heals();
    };
    // Judged by the files that pointers name.
    breaks("jm-crash", 0);
    // The state is lost, as it should be, and the copied pointers lead to a file that is there: the
    // job has its state back under its own id.
    breaks("pointer-lost", 1);
    assert_eq!(job(), before);
}
