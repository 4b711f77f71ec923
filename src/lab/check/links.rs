//! What one file of a lab says of another: objects and their namespaces, the pods of each role,
//! images, ports, and the way from the shared folder to Flink's mount.

use super::super::definition::RoleLabels;
use super::super::manifest::{check_kind, defined};
use super::super::mistake::{did_you_mean, listed};
use super::super::yaml::{Node, Value};
use super::{Object, Whole, cluster, flink};
use crate::fault::Fault;

/// Namespaces that every cluster has.
const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

pub(super) fn check(whole: &Whole<'_>) -> Result<(), Fault> {
    kinds(whole)?;
    twice(whole)?;
    namespaces(whole)?;
    rollouts(whole)?;
    let jobmanagers = pods(whole, "jobmanager", &whole.definition.roles.jobmanager)?;
    let taskmanagers = pods(whole, "taskmanager", &whole.definition.roles.taskmanager)?;
    for pods in jobmanagers.iter().chain(&taskmanagers) {
        mount(whole, pods)?;
        references(whole, pods)?;
        flink::check(whole, pods)?;
    }
    ports(whole)
}

/// Pods of one role, as a manifest makes them.
pub(super) struct Pods<'a> {
    pub(super) object: &'a Object<'a>,
    pub(super) template: &'a Node,
    pub(super) container: &'a Node,
}

fn kinds(whole: &Whole<'_>) -> Result<(), Fault> {
    let own = defined(whole.objects.iter().map(|object| object.node));
    let minor = whole
        .cluster
        .nodes
        .first()
        .and_then(|node| minor(&node.image));
    for object in whole.objects {
        check_kind(object.document, object.node, &own, minor)
            .map_err(|mistake| mistake.fault(object.source.code, &object.source.file))?;
    }
    Ok(())
}

/// 34 of `kindest/node:v1.34.0`; none where the tag says no version.
fn minor(image: &str) -> Option<u32> {
    let (_, tag) = image.split('@').next()?.rsplit_once(':')?;
    tag.strip_prefix("v1.")?.split('.').next()?.parse().ok()
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
                    .mend(did_you_mean(namespace, known.iter().copied()))
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
                    .mend("List its file earlier under `apply`.")
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
            .mend(did_you_mean(namespace, known.iter().copied()))
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
            .any(|object| matches!(object.document.kind.as_str(), "Deployment" | "StatefulSet"));
        if apply.wait.is_some() && !has_rollout {
            return whole
                .lab
                .at(
                    &format!("apply[{turn}].wait.kind"),
                    format!("`{}` has nothing to wait for.", apply.file),
                )
                .why("a rollout is of a Deployment or StatefulSet, and the file has none")
                .mend("Remove the `wait`.")
                .done();
        }
    }
    Ok(())
}

/// The pod template of a workload.
fn template<'a>(object: &Object<'a>) -> Option<&'a Node> {
    match object.document.kind.as_str() {
        "Pod" => Some(object.node),
        "CronJob" => object.node.find("spec.jobTemplate.spec.template"),
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => {
            object.node.find("spec.template")
        }
        _ => None,
    }
}

/// Objects that some operator makes pods of: then no manifest need show a role's pods.
fn has_operator(whole: &Whole<'_>) -> bool {
    let own = defined(whole.objects.iter().map(|object| object.node));
    whole.objects.iter().any(|object| {
        own.iter().any(|(version, kind)| {
            *version == object.document.api_version && *kind == object.document.kind
        })
    })
}

fn pods<'a>(whole: &'a Whole<'a>, role: &str, labels: &RoleLabels) -> Result<Vec<Pods<'a>>, Fault> {
    let (lab, flink) = (whole.lab, &whole.definition.flink);
    let selector = format!("roles.{role}.selector");
    let mut found = Vec::new();
    let mut elsewhere = None;
    let mut seen = Vec::new();
    for object in whole.objects {
        let Some(template) = template(object) else {
            continue;
        };
        let text = |key: &str| template.find("metadata.labels")?.get(key)?.text();
        if let Some(Node {
            value: Value::Map(entries),
            ..
        }) = template.find("metadata.labels")
        {
            seen.extend(
                entries
                    .iter()
                    .filter_map(|(key, value)| Some(format!("{}={}", key.text()?, value.text()?))),
            );
        }
        if !labels.matches(text) {
            continue;
        }
        if object.document.namespace.as_deref().unwrap_or("default") != flink.namespace {
            elsewhere.get_or_insert(object);
            continue;
        }
        let containers = template
            .find("spec.containers")
            .map_or(&[][..], Node::items);
        let name = |container: &'a Node| container.get("name").and_then(Node::text);
        match containers
            .iter()
            .find(|container| name(container) == Some(&labels.container))
        {
            Some(container) => found.push(Pods {
                object,
                template,
                container,
            }),
            None => {
                let names: Vec<&str> = containers.iter().filter_map(name).collect();
                let (kind, of) = (&object.document.kind, &object.document.name);
                return lab
                    .at(
                        &format!("roles.{role}.container"),
                        format!("The {kind} `{of}` has no container `{}`.", labels.container),
                    )
                    .why(format!("it has {}", listed(names.iter().copied())))
                    .mend(did_you_mean(&labels.container, names))
                    .done();
            }
        }
    }
    if let (true, Some(object)) = (found.is_empty(), elsewhere) {
        let (kind, name) = (&object.document.kind, &object.document.name);
        return object
            .source
            .here(
                object.node.place("metadata.namespace"),
                format!(
                    "The {kind} `{name}` is not in the namespace `{}`.",
                    flink.namespace
                ),
            )
            .why("`flink.namespace` in lab.yaml says where Flink's pods are")
            .done();
    }
    if found.is_empty() && !has_operator(whole) {
        return lab
            .at(
                &selector,
                format!(
                    "No manifest makes pods with the labels `{}`.",
                    labels.selector
                ),
            )
            .why(format!(
                "pods have {}",
                listed(seen.iter().map(String::as_str))
            ))
            .mend(did_you_mean(
                &labels.selector,
                seen.iter().map(String::as_str),
            ))
            .done();
    }
    for pods in &found {
        image(whole, pods)?;
    }
    Ok(found)
}

fn image(whole: &Whole<'_>, pods: &Pods<'_>) -> Result<(), Fault> {
    let (at, image) = match pods.container.get("image") {
        Some(node) => (node.at, node.text().unwrap_or_default()),
        None => (pods.container.at, ""),
    };
    if whole.definition.images.iter().any(|known| known == image) {
        return Ok(());
    }
    let known = whole.definition.images.iter().map(String::as_str);
    pods.object
        .source
        .here(
            at,
            format!("The image `{image}` is not among `images` of lab.yaml."),
        )
        .why("only those are brought into the nodes")
        .mend(did_you_mean(image, known))
        .done()
}

/// The pods must see the shared folder where lab.yaml says that they do.
fn mount(whole: &Whole<'_>, pods: &Pods<'_>) -> Result<(), Fault> {
    let mount = whole.definition.flink.mount.as_str();
    let shared = whole
        .cluster
        .nodes
        .first()
        .and_then(cluster::shared_path)
        .unwrap_or_default();
    let source = pods.object.source;
    let mounts = pods.container.get("volumeMounts");
    let Some(found) = mounts
        .map_or(&[][..], Node::items)
        .iter()
        .find(|node| node.get("mountPath").and_then(Node::text) == Some(mount))
    else {
        return source
            .here(
                mounts.unwrap_or(pods.container).at,
                format!("The container mounts nothing at `{mount}`."),
            )
            .why("`flink.mount` in lab.yaml says that pods see the shared folder there")
            .done();
    };
    if let Some(sub) = found.get("subPath") {
        return source
            .here(sub.at, format!("`{mount}` cannot be a part of the volume."))
            .why("the files would not be where they are looked for")
            .done();
    }
    let name = found.get("name").and_then(Node::text).unwrap_or_default();
    let Some(volume) = volume(pods, name) else {
        return no_volume(pods, found, name);
    };
    let (source, path) = match (
        volume.find("hostPath.path"),
        volume.find("persistentVolumeClaim.claimName"),
    ) {
        (Some(path), _) => (source, path),
        (None, Some(claim)) => match behind(whole, pods, claim)? {
            Some(found) => found,
            None => return Ok(()),
        },
        (None, None) => {
            return source
                .here(
                    volume.at,
                    format!("The volume `{name}` is not the shared folder."),
                )
                .why(format!(
                    "a hostPath of `{shared}`, or a claim on a volume of it"
                ))
                .done();
        }
    };
    if path.text() == Some(shared) {
        return Ok(());
    }
    source
        .here(
            path.at,
            format!(
                "`{}` is not the shared folder.",
                path.text().unwrap_or_default()
            ),
        )
        .why(format!("kind.yaml has it in the node as `{shared}`"))
        .done()
}

fn volume<'a>(pods: &Pods<'a>, name: &str) -> Option<&'a Node> {
    pods.template
        .find("spec.volumes")?
        .items()
        .iter()
        .find(|volume| volume.get("name").and_then(Node::text) == Some(name))
}

fn no_volume<T>(pods: &Pods<'_>, mount: &Node, name: &str) -> Result<T, Fault> {
    let volumes = pods
        .template
        .find("spec.volumes")
        .map_or(&[][..], Node::items);
    let names = volumes
        .iter()
        .filter_map(|volume| volume.get("name").and_then(Node::text));
    pods.object
        .source
        .here(mount.place("name"), format!("There is no volume `{name}`."))
        .mend(did_you_mean(name, names))
        .done()
}

/// The path of the volume behind a claim; none if no manifest says which one it will be.
fn behind<'a>(
    whole: &'a Whole<'a>,
    pods: &Pods<'_>,
    claim: &Node,
) -> Result<Option<(&'a super::Source, &'a Node)>, Fault> {
    let of_kind = |kind: &'static str| {
        whole
            .objects
            .iter()
            .filter(move |o| o.document.kind == kind)
    };
    let name = claim.text().unwrap_or_default();
    let Some(found) = of_kind("PersistentVolumeClaim").find(|o| o.document.name == name) else {
        let names = of_kind("PersistentVolumeClaim").map(|o| o.document.name.as_str());
        return pods
            .object
            .source
            .here(
                claim.at,
                format!("No manifest makes the PersistentVolumeClaim `{name}`."),
            )
            .mend(did_you_mean(name, names))
            .done();
    };
    let Some(volume) = found.node.find("spec.volumeName") else {
        return Ok(None);
    };
    let name = volume.text().unwrap_or_default();
    let Some(found) = of_kind("PersistentVolume")
        .find(|o| o.document.name == name)
        .map(|o| (o, o.node))
    else {
        let names = of_kind("PersistentVolume").map(|o| o.document.name.as_str());
        return found
            .source
            .here(
                volume.at,
                format!("No manifest makes the PersistentVolume `{name}`."),
            )
            .mend(did_you_mean(name, names))
            .done();
    };
    let path = found
        .1
        .find("spec.hostPath.path")
        .or_else(|| found.1.find("spec.local.path"));
    Ok(path.map(|path| (found.0.source, path)))
}

/// What the pods of a role need before they can start.
fn references(whole: &Whole<'_>, pods: &Pods<'_>) -> Result<(), Fault> {
    let spec = pods.template.get("spec");
    let exists = |kind: &str, node: &Node| -> Result<(), Fault> {
        let name = node.text().unwrap_or_default();
        let mut names = whole
            .objects
            .iter()
            .filter(|o| {
                o.document.kind == kind && o.document.namespace == pods.object.document.namespace
            })
            .map(|o| o.document.name.as_str());
        if names.clone().any(|known| known == name) || has_operator(whole) {
            return Ok(());
        }
        pods.object
            .source
            .here(
                node.at,
                format!("No manifest makes the {kind} `{name}` in this namespace."),
            )
            .mend(did_you_mean(name, names.by_ref()))
            .done()
    };
    if let Some(account) = spec.and_then(|spec| spec.get("serviceAccountName"))
        && account.text() != Some("default")
    {
        exists("ServiceAccount", account)?;
    }
    for mount in pods
        .container
        .get("volumeMounts")
        .map_or(&[][..], Node::items)
    {
        let name = mount.get("name").and_then(Node::text).unwrap_or_default();
        if volume(pods, name).is_none() {
            return no_volume(pods, mount, name);
        }
    }
    for volume in spec
        .and_then(|spec| spec.get("volumes"))
        .map_or(&[][..], Node::items)
    {
        if let Some(map) = volume.find("configMap.name")
            && volume.find("configMap.optional").is_none()
        {
            exists("ConfigMap", map)?;
        }
        if let Some(claim) = volume.find("persistentVolumeClaim.claimName") {
            exists("PersistentVolumeClaim", claim)?;
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
            .mend(format!(
                "Add `- {{containerPort: {wanted}, hostPort: 0, listenAddress: 127.0.0.1}}`."
            ))
            .done();
    }
    Ok(())
}
