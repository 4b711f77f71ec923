//! How versions stand on given days, and that the table is complete.

#![allow(clippy::unwrap_used)]

use super::*;
use jiff::civil::date;

/// A lab of these versions.
fn lab(node: &str, flink: &str) -> Lab {
    let mut lab = Lab::open("default").unwrap();
    lab.name = "mine".to_owned();
    lab.cluster.nodes[0].image = format!("kindest/node:{node}");
    lab.job.image = format!("flink:{flink}");
    lab
}

fn told(lab: &Lab, today: Date) -> Vec<String> {
    let all = lab.support(today);
    all.iter().map(ToString::to_string).collect()
}

#[test]
fn every_line_of_the_table_is_read_and_names_its_source() {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(lines.count(), rows().len());
    assert!(rows().iter().all(|row| row.source.len() > 10));
    looked_up().parse::<Date>().unwrap();
    for product in [Product::Kubernetes, Product::Flink] {
        let minors: Vec<(u32, u32)> = of(product).map(|row| row.minor).collect();
        assert!(minors.is_sorted(), "{minors:?}");
        assert!(of(product).any(|row| row.tried));
    }
}

#[test]
fn the_versions_of_every_lab_that_is_shipped_are_in_the_table_and_tried() {
    for name in built_in_names() {
        let lab = Lab::open(name).unwrap();
        let all = lab.support(looked_up().parse().unwrap());
        assert_eq!(all.len(), 2, "{name}: {all:?}");
        for one in all {
            let known = of(one.product).find(|row| shown(row.minor) == one.minor);
            assert!(known.is_some_and(|row| row.tried), "{name}: {one:?}");
        }
    }
}

#[test]
fn the_default_lab_is_supported_and_an_old_one_says_what_that_means() {
    let today = date(2026, 12, 1);
    let default = Lab::open("default").unwrap();
    assert!(default.support(today).iter().all(|one| one.state.is_fine()));
    let article = told(&Lab::open("article").unwrap(), today);
    assert_eq!(
        article.last().unwrap(),
        "Flink 1.15 has been out of support since 2023-10-24 or earlier: its project does not fix it \
         any more, security holes included (looked up on 2026-12-01). This lab is there to show an \
         old setup: use it to learn, on this machine only. For anything of your own, use a supported \
         version: 1.20, 2.1, 2.2, 2.3."
    );
}

#[test]
fn support_ends_on_its_day() {
    let lab = lab("v1.35.8", "2.3.0-scala_2.12-java17");
    let state = |today| lab.support(today)[0].state.clone();
    let end = date(2027, 2, 28);
    assert_eq!(state(date(2027, 2, 27)), State::Supported(Some(end)));
    assert_eq!(state(end), State::Over(Ended::On(end)));
    assert_eq!(
        told(&lab, end)[0],
        "Kubernetes 1.35 has been out of support since 2027-02-28: its project does not fix it any \
         more, security holes included (looked up on 2026-12-01). Name a node image of a supported \
         version in kind.yaml: 1.36, 1.37."
    );
}

#[test]
fn what_is_newer_than_what_was_tried_is_told_and_what_is_older_than_the_table_is_over() {
    let today = date(2026, 12, 1);
    let new = told(&lab("v1.38.0", "2.4.0"), today);
    assert_eq!(
        new[0],
        "Kubernetes 1.38 is newer than any Kubernetes that flinklab was tried with, up to 1.37: what \
         it does differently is not known here, so a lab may not come up, and what is expected of a \
         failure may not hold. Look for a newer flinklab, or use Kubernetes 1.37."
    );
    assert!(
        new[1].starts_with("Flink 2.4 is newer than any Flink"),
        "{new:?}"
    );
    let old = lab("v1.19.0", "1.13.6").support(today);
    assert!(old.iter().all(|one| one.state.word() == "over"), "{old:?}");
    let unknown = lab("latest", "latest").support(today);
    assert!(unknown.is_empty(), "{unknown:?}");
}
