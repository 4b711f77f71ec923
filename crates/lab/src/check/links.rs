//! What one file of a lab says of another: objects and their namespaces, the pods of each role,
//! images, ports, and the way from the shared folder to Flink's mount.

use super::super::kubeadm;
use super::super::manifest::{check_kind, defined};
use super::super::mistake::{did_you_mean, listed};
use super::super::operator::Operator;
use super::super::yaml::Node;
use super::{Object, Whole, configured, flink, images, pods, rights, session, versions};
use flinklab_base::fault::Fault;

/// Namespaces that every cluster has.
const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

pub(super) fn check(whole: &Whole<'_>) -> Result<(), Fault> {
    kinds(whole)?;
    twice(whole)?;
    namespaces(whole)?;
    rollouts(whole)?;
    let jobmanagers = pods::of(whole, "jobmanager", &whole.roles.jobmanager)?;
    let taskmanagers = pods::of(whole, "taskmanager", &whole.roles.taskmanager)?;
    for one in jobmanagers.iter().chain(&taskmanagers) {
        pods::mount(whole, one)?;
        pods::references(whole, one)?;
        versions::check(whole, one)?;
    }
    images::check(whole)?;
    let mut adapts = false;
    for one in &jobmanagers {
        let configured = configured::of(whole, one)?;
        adapts |= session::adapts(&configured);
        flink::fits(whole, &configured.settings)?;
        session::jobmanagers(whole, one, versions::of(whole, one), &configured)?;
        rights::check(whole, one, &rights::JOBMANAGER)?;
    }
    let mut offers = Some(Vec::new());
    for one in &taskmanagers {
        let configured = configured::of(whole, one)?;
        flink::fits(whole, &configured.settings)?;
        session::taskmanagers(versions::of(whole, one), &configured)?;
        rights::check(whole, one, &rights::TASKMANAGER)?;
        let offered = session::offered(one, &configured);
        offers = offers.zip(offered).map(|(mut offers, offered)| {
            offers.push(offered);
            offers
        });
    }
    if let Some(offers) = offers.filter(|_| !adapts) {
        session::slots(whole, &offers)?;
    }
    ports(whole)
}

fn kinds(whole: &Whole<'_>) -> Result<(), Fault> {
    let own = defined(whole.objects.iter().map(|object| object.node));
    let minor = whole
        .cluster
        .nodes
        .first()
        .and_then(|node| kubeadm::tagged(&node.image))
        .map(|(_, minor)| minor);
    for object in whole.objects {
        check_kind(object.document, object.node, &own, minor)
            .map_err(|mistake| mistake.fault(object.source.code, &object.source.file))?;
    }
    Ok(())
}

fn twice(whole: &Whole<'_>) -> Result<(), Fault> {
    for (index, object) in whole.objects.iter().enumerate() {
        let same = whole.objects[..index].iter().find(|other| {
            let (a, b) = (object.document, other.document);
            a.api_version == b.api_version
                && a.kind == b.kind
                && a.name == b.name
                && a.namespace == b.namespace
        });
        if let Some(first) = same {
            let (kind, name) = (&object.document.kind, &object.document.name);
            return object
                .source
                .here(
                    object.node.place("metadata.name"),
                    format!("The {kind} `{name}` is there twice."),
                )
                .why(format!(
                    "first in {} line {}",
                    first.source.file, first.document.line
                ))
                .done();
        }
    }
    Ok(())
}

fn namespaces(whole: &Whole<'_>) -> Result<(), Fault> {
    let made = |name: &str| {
        whole
            .objects
            .iter()
            .find(|object| object.document.kind == "Namespace" && object.document.name == name)
    };
    let mut known: Vec<&str> = NAMESPACES.to_vec();
    known.extend(
        whole
            .objects
            .iter()
            .filter(|object| object.document.kind == "Namespace")
            .map(|object| object.document.name.as_str()),
    );
    for object in whole.objects {
        let Some(namespace) = object.document.namespace.as_deref() else {
            continue;
        };
        if NAMESPACES.contains(&namespace) {
            continue;
        }
        let at = object.node.place("metadata.namespace");
        match made(namespace) {
            None => {
                return object
                    .source
                    .here(
                        at,
                        format!("No manifest makes the namespace `{namespace}`."),
                    )
                    .hint(did_you_mean(namespace, known.iter().copied()))
                    .done();
            }
            Some(first) if first.turn > object.turn => {
                return object
                    .source
                    .here(
                        at,
                        format!(
                            "The namespace `{namespace}` is made later, in {}.",
                            first.source.file
                        ),
                    )
                    .hint("List its file earlier under `apply`.")
                    .done();
            }
            Some(_) => {}
        }
    }
    let namespace = &whole.definition.flink.namespace;
    if !known.contains(&namespace.as_str()) {
        return whole
            .lab
            .at(
                "flink.namespace",
                format!("No manifest makes the namespace `{namespace}`."),
            )
            .hint(did_you_mean(namespace, known.iter().copied()))
            .done();
    }
    Ok(())
}

fn rollouts(whole: &Whole<'_>) -> Result<(), Fault> {
    for (turn, apply) in whole.definition.apply.iter().enumerate() {
        let has_rollout = whole
            .objects
            .iter()
            .filter(|object| object.turn == turn)
            .any(|object| {
                let document = object.document;
                matches!(document.kind.as_str(), "Deployment" | "StatefulSet")
                    || Operator::of(&document.api_version, &document.kind).is_some()
            });
        if apply.wait.is_some() && !has_rollout {
            return whole
                .lab
                .at(
                    &format!("apply[{turn}].wait.kind"),
                    format!("`{}` has nothing to wait for.", apply.file),
                )
                .why("a rollout is of a Deployment or StatefulSet, and the file has none")
                .hint("Remove the `wait`.")
                .done();
        }
    }
    Ok(())
}

/// Host port → node port → Service: the second way to Flink's REST, and the link to its UI.
fn ports(whole: &Whole<'_>) -> Result<(), Fault> {
    let rest = &whole.definition.flink.rest;
    let wanted = rest.node_port.to_string();
    let has = |node: &Node, key: &str, text: &str| node.get(key).and_then(Node::text) == Some(text);
    let services = whole
        .objects
        .iter()
        .filter(|object| object.document.kind == "Service");
    let node_ports: Vec<(&Object<'_>, &Node)> = services
        .flat_map(|object| {
            let ports = object.node.find("spec.ports").map_or(&[][..], Node::items);
            ports
                .iter()
                .filter(|port| port.get("nodePort").is_some())
                .map(move |port| (object, port))
        })
        .collect();
    let Some((service, port)) = node_ports
        .iter()
        .find(|(_, port)| has(port, "nodePort", &wanted))
    else {
        let known: Vec<&str> = node_ports
            .iter()
            .filter_map(|(_, port)| port.get("nodePort").and_then(Node::text))
            .collect();
        return whole
            .lab
            .at(
                "flink.rest.node-port",
                format!("No Service has the nodePort {wanted}."),
            )
            .why(format!("there is {}", listed(known)))
            .done();
    };
    if service.document.namespace.as_deref().unwrap_or("default")
        != whole.definition.flink.namespace
    {
        return service
            .source
            .here(
                service.node.place("metadata.namespace"),
                format!("The Service with nodePort {wanted} is not in Flink's namespace."),
            )
            .done();
    }
    let target = port.get("targetPort").or_else(|| port.get("port"));
    if let Some(target) = target
        && let Some(number) = target.text().and_then(|text| text.parse::<u16>().ok())
        && number != rest.port
    {
        return service
            .source
            .here(
                target.at,
                format!("The nodePort {wanted} leads to port {number} of the pods."),
            )
            .why(format!("`flink.rest.port` in lab.yaml is {}", rest.port))
            .done();
    }
    let is_mapped = whole
        .cluster
        .nodes
        .iter()
        .flat_map(|node| &node.extra_port_mappings)
        .any(|mapping| mapping.container_port == rest.node_port);
    if !is_mapped {
        return whole
            .kind
            .at(
                "nodes[0].extraPortMappings",
                format!("No port mapping leads to the node's port {wanted}."),
            )
            .why("`flink.rest.node-port` in lab.yaml needs one to be reached from this machine")
            .hint(format!(
                "Add `- {{containerPort: {wanted}, hostPort: 0, listenAddress: 127.0.0.1}}`."
            ))
            .done();
    }
    Ok(())
}
