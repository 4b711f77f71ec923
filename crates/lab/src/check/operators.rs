//! The object of an operator against lab.yaml: what the operator would refuse or do otherwise than
//! the lab believes, told before anything is started.

use super::super::definition::{Definition, RoleLabels};
use super::super::mistake::did_you_mean;
use super::super::operator::{Operated, Operator, Starts};
use super::super::options::version::Version;
use super::super::options::{Options, flatten};
use super::super::yaml::Node;
use super::configured::{self, Configured};
use super::pods::{self, Pods};
use super::{Object, Source, Whole, flink, images, session, versions};
use flinklab_base::fault::Fault;

/// The object that makes Flink's pods in the lab's namespace, if an operator's does.
pub(super) fn find<'a>(
    objects: &'a [Object<'a>],
    definition: &Definition,
) -> Option<(&'a Object<'a>, Operated)> {
    let all = objects.iter();
    let mut all = all.filter_map(|object| Some((object, Operated::of(object.document)?)));
    all.find(|(_, operated)| operated.namespace == definition.flink.namespace)
}

/// Nothing says which pods are Flink's; an operator's object elsewhere was meant to.
pub(super) fn missing<T>(
    lab: &Source,
    objects: &[Object<'_>],
    definition: &Definition,
) -> Result<T, Fault> {
    let namespace = &definition.flink.namespace;
    let mut all = objects.iter();
    let other = all.find_map(|object| Some((object, Operated::of(object.document)?)));
    match other {
        None => lab.at("", "`roles` is missing.").done(),
        Some((object, operated)) => object
            .source
            .here(
                object.node.place("metadata.namespace"),
                format!(
                    "The {} `{}` is not in the namespace `{namespace}`.",
                    operated.operator.kind(),
                    operated.name
                ),
            )
            .why("`flink.namespace` in lab.yaml says where Flink's pods are")
            .done(),
    }
}

pub(super) fn check(
    whole: &Whole<'_>,
    object: &Object<'_>,
    operated: &Operated,
) -> Result<(), Fault> {
    let mut options = options(object, operated);
    jobmanagers(object, operated)?;
    set_by_the_operator(object, operated, &options)?;
    let version = version(whole, object);
    versions::understood(object, &options, version)?;
    let at = object.node.place("spec");
    for (key, value) in &operated.options {
        options
            .entry(key.clone())
            .or_insert_with(|| (value.clone(), at));
    }
    names(whole, object, operated)?;
    roles(whole, operated)?;
    for role in ["jobManager", "taskManager"] {
        if let Some(pods) = pods_of(object, operated, role) {
            pods::mount(whole, &pods)?;
        }
    }
    let image = match operated.operator {
        Operator::Spotify => "spec.image.name",
        Operator::Apache => "spec.image",
    };
    let found = object.node.find(image).and_then(Node::text);
    let at = object.node.place(image);
    let image_name = found.unwrap_or_default();
    pods::known_image(whole, object, at, image_name)?;
    if let Some(node) = object.node.find(image) {
        let (policy, usual) = operated.operator.pull_policy();
        images::policy(whole, object, node, object.node.find(policy), usual)?;
    }
    is_session(object, operated)?;
    let settings = configured::placed(object.source, options);
    flink::fits(whole, &settings)?;
    let configured = Configured {
        settings,
        // The defaults of Apache's operator are wherever it is installed.
        complete: match operated.operator {
            Operator::Spotify => Some((object.source, object.node.place("spec"))),
            Operator::Apache => None,
        },
    };
    session::high_availability(Version::of_image(image_name), &configured)?;
    session::takes_jobs(&configured)?;
    slots(whole, object, operated, &configured)
}

/// An object with a job is a cluster of that job, or submits it beside the lab's own.
fn is_session(object: &Object<'_>, operated: &Operated) -> Result<(), Fault> {
    let Some((key, _)) = object.node.get("spec").and_then(|spec| spec.entry("job")) else {
        return Ok(());
    };
    let kind = operated.operator.kind();
    let what = format!("The {kind} `{}` has a job of its own.", operated.name);
    object
        .source
        .here(key.at, what)
        .why(session::SESSION)
        .hint("Take `job` out of it, and name the job in lab.yaml.")
        .done()
}

/// The slots of the TaskManagers that the operator makes; those on demand are as many as it takes.
fn slots(
    whole: &Whole<'_>,
    object: &Object<'_>,
    operated: &Operated,
    configured: &Configured<'_>,
) -> Result<(), Fault> {
    let replicas = object.node.find("spec.taskManager.replicas");
    let replicas = replicas
        .and_then(Node::text)
        .and_then(|text| text.parse().ok());
    let each = session::slots_of_each(configured);
    match (operated.starts, replicas, each) {
        (Starts::Workload(_), Some(replicas), Some(each)) if !session::adapts(configured) => {
            session::slots(whole, &[(replicas, each)])
        }
        _ => Ok(()),
    }
}

/// The version of Flink that the object says, else the one of its image.
fn version(whole: &Whole<'_>, object: &Object<'_>) -> Option<Version> {
    let said = object.node.find("spec.flinkVersion").and_then(Node::text);
    let image = || Version::of_image(&whole.definition.job.image);
    said.and_then(Version::parse).or_else(image)
}

/// The options that the object carries, each with its place.
fn options(object: &Object<'_>, operated: &Operated) -> Options {
    let mut options = Options::new();
    let path = format!("spec.{}", operated.operator.options_field());
    if let Some(node) = object.node.find(&path) {
        flatten(node, "", &mut options);
    }
    options
}

/// How many JobManagers the operator would start.
fn jobmanagers(object: &Object<'_>, operated: &Operated) -> Result<(), Fault> {
    let asked = operated.jobmanagers;
    let (kind, name) = (operated.operator.kind(), &operated.name);
    let wrong = |what: String| {
        let at = object.node.place("spec.jobManager.replicas");
        object.source.here(at, what)
    };
    if operated
        .operator
        .most_jobmanagers()
        .is_some_and(|most| asked > most)
    {
        return wrong(format!(
            "The {kind} `{name}` cannot have {asked} JobManagers."
        ))
        .why("its operator allows one, so there is never a standby")
        .hint("Write 1. A lab without an operator can have a standby.")
        .done();
    }
    if asked > 1 && !operated.has_ha() {
        return wrong(format!(
            "The {kind} `{name}` cannot have {asked} JobManagers without high availability."
        ))
        .why("its operator refuses that")
        .hint("Add `high-availability.type: kubernetes` to its flinkConfiguration.")
        .done();
    }
    Ok(())
}

/// Options that are not the person's to set.
fn set_by_the_operator(
    object: &Object<'_>,
    operated: &Operated,
    options: &Options,
) -> Result<(), Fault> {
    if operated.operator != Operator::Apache {
        return Ok(()); // what Spotify's sets itself, it puts in place of what is said
    }
    let own = operated.operator.sets();
    match options.iter().find(|(key, _)| own.contains(&key.as_str())) {
        None => Ok(()),
        Some((key, (_, at))) => object
            .source
            .here(*at, format!("The operator sets `{key}` itself."))
            .why("it refuses an object that says so")
            .hint("Remove the option.")
            .done(),
    }
}

/// Flink's HA config maps are found by a name that the operator decides.
fn names(whole: &Whole<'_>, object: &Object<'_>, operated: &Operated) -> Result<(), Fault> {
    let id = &whole.definition.flink.cluster_id;
    if operated.operator != Operator::Apache || *id == operated.name {
        return Ok(());
    }
    whole
        .lab
        .at(
            "flink.cluster-id",
            format!(
                "The operator calls the cluster `{}`, not `{id}`.",
                operated.name
            ),
        )
        .why(format!(
            "it is the name of the FlinkDeployment in {}",
            object.source.file
        ))
        .hint(format!("Write `cluster-id: {}`.", operated.name))
        .done()
}

/// Where lab.yaml says labels and containers all the same, they must be those of the pods.
fn roles(whole: &Whole<'_>, operated: &Operated) -> Result<(), Fault> {
    let Some(given) = &whole.definition.roles else {
        return Ok(());
    };
    let made = operated.roles();
    let both = [
        ("jobmanager", &given.jobmanager, &made.jobmanager),
        ("taskmanager", &given.taskmanager, &made.taskmanager),
    ];
    let kind = operated.operator.kind();
    for (role, given, made) in both {
        let path = format!("roles.{role}");
        if let Some(label) = other_label(given, made) {
            return whole
                .lab
                .at(
                    &format!("{path}.selector"),
                    format!("The operator gives no pod the label `{label}`."),
                )
                .why(format!("those of the {kind} have `{}`", made.selector))
                .hint("Leave `roles` out: the operator's labels are known.")
                .done();
        }
        if given.container != made.container {
            return whole
                .lab
                .at(
                    &format!("{path}.container"),
                    format!("The operator calls no container `{}`.", given.container),
                )
                .why(format!("Flink's is `{}`", made.container))
                .hint(did_you_mean(&given.container, [made.container.as_str()]))
                .done();
        }
    }
    Ok(())
}

/// A label that the operator sets to something else. Others may be the person's own.
fn other_label<'a>(given: &'a RoleLabels, made: &RoleLabels) -> Option<&'a str> {
    let pairs = |selector: &'a str| selector.split(',').filter_map(|pair| pair.split_once('='));
    let value = |key: &str| {
        let mut own = made
            .selector
            .split(',')
            .filter_map(|pair| pair.split_once('='));
        own.find(|(known, _)| *known == key).map(|(_, value)| value)
    };
    let wrong = |(key, said): (&str, &str)| {
        value(key.trim()).is_some_and(|value| value != said.trim().trim_start_matches('='))
    };
    let at = pairs(&given.selector).position(wrong)?;
    given.selector.split(',').nth(at)
}

/// Where the object says what the pods of a role mount; none where it says nothing of them.
fn pods_of<'a>(object: &'a Object<'a>, operated: &Operated, role: &str) -> Option<Pods<'a>> {
    match operated.operator {
        Operator::Spotify => {
            let own = object.node.find(&format!("spec.{role}"))?;
            Some(Pods {
                object,
                spec: own,
                container: own,
            })
        }
        Operator::Apache => {
            let own = object.node.find(&format!("spec.{role}.podTemplate.spec"));
            let spec = own.or_else(|| object.node.find("spec.podTemplate.spec"))?;
            let containers = spec.get("containers").map_or(&[][..], Node::items);
            let name = operated.roles().jobmanager.container;
            let container = containers
                .iter()
                .find(|one| one.get("name").and_then(Node::text) == Some(&name))?;
            Some(Pods {
                object,
                spec,
                container,
            })
        }
    }
}
