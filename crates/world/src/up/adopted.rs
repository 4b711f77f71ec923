//! A cluster that kind's own command made is taken over only if it is what kind.yaml says: image,
//! mounts, ports, subnets. Looks; changes nothing.

use super::{Run, nodes};
use crate::gate::{Claiming, Seen};
use crate::node::{Choice, NodePlan};
use flinklab_base::advice;
use flinklab_base::fault::Fault;
use flinklab_lab::{Cluster, kubeadm};
use serde::Deserialize;
use serde_json::Value;

/// Compares what kind made and is not written down yet with kind.yaml. A cluster of ours passes.
pub(super) async fn check(run: &Run<'_>, claim: &Claiming) -> Result<(), Fault> {
    let known = run.book.state();
    let strange: Vec<&Seen> = claim
        .seen()
        .iter()
        .filter(|seen| seen.lab.is_none())
        .filter(|seen| known.nodes.iter().all(|record| record.id != seen.id))
        .collect();
    if strange.is_empty() {
        return Ok(());
    }
    let plans = nodes::plans(run, claim).await?;
    let mut wrong = Vec::new();
    for seen in &strange {
        let Some(plan) = plans.iter().find(|plan| plan.name == seen.name) else {
            continue; // a node too many is told by its name elsewhere
        };
        let config = run.docker.find_file(&seen.id, kubeadm::PATH).await?;
        let config = config.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        wrong.extend(differences(seen, plan));
        wrong.extend(subnets(
            config.as_deref().unwrap_or_default(),
            &run.lab.cluster,
        ));
    }
    if !wrong.is_empty() {
        wrong.dedup();
        return Err(nodes::other_shape(run, &wrong.join("\n")));
    }
    let names: Vec<&str> = strange.iter().map(|seen| seen.name.as_str()).collect();
    run.progress.changed();
    run.progress.note(advice!(
        "{} was made by kind and is this lab's now; `flinklab down` asks before it removes it.",
        names.join(", ")
    ));
    Ok(())
}

/// What a container has otherwise than planned, a sentence each.
fn differences(seen: &Seen, plan: &NodePlan) -> Vec<String> {
    let name = &seen.name;
    let mut wrong = Vec::new();
    if seen.image != plan.image {
        wrong.push(format!(
            "{name} was made from {}, kind.yaml says {}",
            seen.image, plan.image
        ));
    }
    for port in &plan.ports {
        match (seen.host_port(&port.key()), port.ours_to_choose) {
            (None, _) => wrong.push(format!("{name} does not publish {}", port.key())),
            (Some(host), Choice::Given) if host != port.host => wrong.push(format!(
                "{name} publishes {} on {host}, kind.yaml says {}",
                port.key(),
                port.host
            )),
            (Some(_), _) => {}
        }
    }
    for bind in &plan.binds {
        let mut parts = bind.split(':');
        let (from, to) = (parts.next(), parts.next());
        if !seen.has_mount(from.unwrap_or_default(), to.unwrap_or_default()) {
            wrong.push(format!("{name} does not mount {bind}"));
        }
    }
    wrong
}

/// The subnets in kubeadm's file against those of kind.yaml: no cluster changes them later.
fn subnets(config: &str, cluster: &Cluster) -> Vec<String> {
    let documents = serde_yaml::Deserializer::from_str(config);
    let networking = documents
        .filter_map(|document| Value::deserialize(document).ok())
        .find(|document| document["kind"] == "ClusterConfiguration")
        .map(|document| document["networking"].clone())
        .unwrap_or_default();
    [
        ("podSubnet", kubeadm::pod_subnet(cluster)),
        ("serviceSubnet", kubeadm::service_subnet(cluster)),
    ]
    .into_iter()
    .filter_map(|(key, wanted)| {
        let found = networking[key].as_str()?;
        (found != wanted).then(|| format!("its {key} is {found}, kind.yaml says {wanted}"))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use flinklab_lab::Lab;

    #[test]
    fn another_subnet_is_told() {
        let cluster = Lab::open("default").unwrap().cluster;
        let config = "kind: InitConfiguration\n---\nkind: ClusterConfiguration\n\
                      networking: {podSubnet: 10.1.0.0/16, serviceSubnet: 10.96.0.0/16}\n";
        assert_eq!(
            subnets(config, &cluster),
            ["its podSubnet is 10.1.0.0/16, kind.yaml says 10.244.0.0/16"]
        );
        assert!(subnets("", &cluster).is_empty());
    }
}
