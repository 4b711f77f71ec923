//! The pods of each role, as the manifests make them: labels, container, image, what they need to
//! start, and the way from the shared folder to Flink's mount.

use super::super::definition::RoleLabels;
use super::super::manifest::defined;
use super::super::mistake::{did_you_mean, listed};
use super::super::yaml::{At, Node, Value};
use super::{Object, Whole, claims};
use flinklab_base::fault::Fault;

/// Pods of one role, as a manifest makes them.
pub(super) struct Pods<'a> {
    pub(super) object: &'a Object<'a>,
    /// What holds the pods' volumes and account: the template's `spec`.
    pub(super) spec: &'a Node,
    /// What holds the container's mounts.
    pub(super) container: &'a Node,
}

/// The pod template of a workload.
pub(super) fn template<'a>(object: &Object<'a>) -> Option<&'a Node> {
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
pub(super) fn has_operator(whole: &Whole<'_>) -> bool {
    let own = defined(whole.objects.iter().map(|object| object.node));
    whole.objects.iter().any(|object| {
        own.iter().any(|(version, kind)| {
            *version == object.document.api_version && *kind == object.document.kind
        })
    })
}

/// Those pods of a role in Flink's namespace that have its container, whatever else is wrong.
pub(super) fn with_container<'a>(whole: &'a Whole<'a>, labels: &RoleLabels) -> Vec<Pods<'a>> {
    let namespace = &whole.definition.flink.namespace;
    let all = whole.objects.iter().filter_map(|object| {
        let template = template(object)?;
        let text = |key: &str| template.find("metadata.labels")?.get(key)?.text();
        let own = object.document.namespace.as_deref().unwrap_or("default");
        if !labels.matches(text) || own != namespace {
            return None;
        }
        let mut containers = template.find("spec.containers")?.items().iter();
        let container = containers
            .find(|one| one.get("name").and_then(Node::text) == Some(&labels.container))?;
        Some(Pods {
            object,
            spec: template.get("spec").unwrap_or(template),
            container,
        })
    });
    all.collect()
}

/// The pods of a role, each with its Flink container; none only where an operator makes them.
pub(super) fn of<'a>(
    whole: &'a Whole<'a>,
    role: &str,
    labels: &RoleLabels,
) -> Result<Vec<Pods<'a>>, Fault> {
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
                spec: template.get("spec").unwrap_or(template),
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
                    .hint(did_you_mean(&labels.container, names))
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
            .hint(did_you_mean(
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
    known_image(whole, pods.object, at, image)
}

/// What pods run must be among the images that are brought into the nodes.
pub(super) fn known_image(
    whole: &Whole<'_>,
    object: &Object<'_>,
    at: At,
    image: &str,
) -> Result<(), Fault> {
    if whole.definition.images.iter().any(|known| known == image) {
        return Ok(());
    }
    let known = whole.definition.images.iter().map(String::as_str);
    object
        .source
        .here(
            at,
            format!("The image `{image}` is not among `images` of lab.yaml."),
        )
        .why("only those are brought into the nodes")
        .hint(did_you_mean(image, known))
        .done()
}

/// The pods must see the shared folder where lab.yaml says that they do.
pub(super) fn mount(whole: &Whole<'_>, pods: &Pods<'_>) -> Result<(), Fault> {
    let mount = whole.definition.flink.mount.as_str();
    let shared = whole
        .cluster
        .nodes
        .first()
        .and_then(crate::Node::shared_path)
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
    if let Some(template) = claims::template(pods, name) {
        return claims::own_folder(source, template.at, name);
    }
    let Some(volume) = volume(pods, name) else {
        return no_volume(pods, found, name);
    };
    let (source, path) = match (
        volume.find("hostPath.path"),
        volume.find("persistentVolumeClaim.claimName"),
    ) {
        (Some(path), _) => (source, path),
        (None, Some(claim)) => match claims::behind(whole, pods, claim)? {
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
    pods.spec
        .get("volumes")?
        .items()
        .iter()
        .find(|volume| volume.get("name").and_then(Node::text) == Some(name))
}

fn no_volume<T>(pods: &Pods<'_>, mount: &Node, name: &str) -> Result<T, Fault> {
    let volumes = pods.spec.get("volumes").map_or(&[][..], Node::items);
    let names = volumes
        .iter()
        .filter_map(|volume| volume.get("name").and_then(Node::text));
    pods.object
        .source
        .here(mount.place("name"), format!("There is no volume `{name}`."))
        .hint(did_you_mean(name, names))
        .done()
}

/// What the pods of a role need before they can start.
pub(super) fn references(whole: &Whole<'_>, pods: &Pods<'_>) -> Result<(), Fault> {
    let spec = pods.spec;
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
            .hint(did_you_mean(name, names.by_ref()))
            .done()
    };
    if let Some(account) = spec.get("serviceAccountName")
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
        if volume(pods, name).is_none() && claims::template(pods, name).is_none() {
            return no_volume(pods, mount, name);
        }
    }
    for volume in spec.get("volumes").map_or(&[][..], Node::items) {
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
