//! Pods that cannot come up however long is waited, told as soon as that is certain: an image that
//! nobody has, a volume or a node that does not exist, a process that ends again and again, an
//! account that may not do what Flink must. Looks beside the steps that wait; changes nothing.

use super::Run;
use super::earlier::Work;
use super::trouble::{Kind, Troubles};
use crate::clean;
use crate::kube::CALL;
use crate::members;
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use flinklab_lab::Members;
use flinklab_lab::failure::Role;
use futures::StreamExt;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use k8s_openapi::api::core::v1::{Event, PersistentVolume, PersistentVolumeClaim, Pod};
use kube::api::{ListParams, LogParams, PostParams};
use kube::runtime::watcher;
use kube::{Api, Client};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// Between two looks at what is known of the pods.
const LOOK: Duration = Duration::from_millis(500);
/// How long a JobManager may run before it is asked what its account may do: those that are elected
/// soon are never asked about.
const ELECTS: Duration = Duration::from_secs(6);
/// How long a claim may have no volume while the controller that binds them says nothing of it: on a
/// busy machine it begins that late.
const BINDS: Duration = Duration::from_secs(45);
/// What the controller says of a claim that it cannot bind.
const UNBOUND: [&str; 3] = ["FailedBinding", "ProvisioningFailed", "VolumeMismatch"];
/// What Flink's high availability does with config maps.
const VERBS: [&str; 5] = ["get", "list", "watch", "create", "update"];
/// Lines of the log of a container that ended.
const LINES: i64 = 200;

/// Watches until all pods are up and the job has been submitted; a fault where that never will be.
pub(super) async fn watch(run: &Run<'_>) -> Result<(), Fault> {
    let ours = run.ours.wait().await;
    run.loaded.wait().await;
    let looking = look(run, ours.client());
    let up = futures::future::join(run.submitted.wait(), run.rolled.wait());
    tokio::select! {
        _ = up => Ok(()),
        fault = looking => Err(fault),
    }
}

async fn look(run: &Run<'_>, client: Client) -> Fault {
    let namespace = &run.lab.flink.namespace;
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let mut events = watcher(pods, watcher::Config::default()).boxed();
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known: BTreeMap<String, Pod> = BTreeMap::new();
    // Of nodes that were stopped, pods come up again before the network between them does.
    let mut troubles = Troubles::new(match run.work.get() {
        Some(Work::Build) => 2,
        _ => 5,
    });
    let mut rights = Rights::default();
    let mut unbound_since: Option<Instant> = None;
    let members = run.lab.members();
    loop {
        tokio::select! {
            event = events.next() => follow(event, &mut known),
            _ = look.tick() => {
                let own = known.values().filter(|pod| is_own(run, &members, pod));
                let own: Vec<&Pod> = own.collect();
                // Pods wait for nodes that are not Ready yet, and say the same.
                let placed = run.ready.get().is_some();
                if let Some(found) = troubles.certain(&own, placed, Instant::now()) {
                    let said = match found.kind {
                        _ if found.is_about_claims() => {
                            let word = unbound(&client, namespace, found.pod).await;
                            let since = *unbound_since.get_or_insert_with(Instant::now);
                            if word.is_none() && since.elapsed() < BINDS {
                                continue;
                            }
                            word
                        }
                        Kind::Ends => last_words(&client, namespace, found.pod, &found.container).await,
                        Kind::Image | Kind::Container | Kind::Unscheduled => None,
                    };
                    return found.fault(&run.lab, said);
                }
                if let Some(fault) = rights.lacking(run, &client, &own).await {
                    return fault;
                }
            }
        }
    }
}

/// What the controller of volumes, not the scheduler, says of the first claim of a pod that it cannot
/// bind. None: it has said nothing yet, or the claim is bound by now.
async fn unbound(client: &Client, namespace: &str, pod: &Pod) -> Option<String> {
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), namespace);
    let events: Api<Event> = Api::namespaced(client.clone(), namespace);
    let volumes = pod
        .spec
        .iter()
        .flat_map(|spec| spec.volumes.iter().flatten());
    for source in volumes.filter_map(|volume| volume.persistent_volume_claim.as_ref()) {
        let name = &source.claim_name;
        let claim = match timeout(CALL, claims.get_opt(name)).await {
            Ok(Ok(Some(claim))) => claim,
            Ok(Ok(None)) => {
                return Some(format!("the claim `{}` is not there", clean::message(name)));
            }
            Ok(Err(_)) | Err(_) => return None,
        };
        let phase = claim
            .status
            .as_ref()
            .and_then(|status| status.phase.as_deref());
        if phase == Some("Bound") {
            continue;
        }
        // Of a volume that does not exist the controller says nothing: it tries again later.
        let named = claim
            .spec
            .as_ref()
            .and_then(|spec| spec.volume_name.as_deref());
        if let Some(volume) = named.filter(|volume| !volume.is_empty()) {
            let volumes: Api<PersistentVolume> = Api::all(client.clone());
            if let Ok(Ok(None)) = timeout(CALL, volumes.get_opt(volume)).await {
                let (claim, volume) = (clean::message(name), clean::message(volume));
                return Some(format!(
                    "the claim `{claim}` names the volume `{volume}`, which does not exist"
                ));
            }
        }
        let uid = claim.metadata.uid.as_deref().unwrap_or_default();
        let of_claim = ListParams::default().fields(&format!("involvedObject.uid={uid}"));
        let Ok(Ok(said)) = timeout(CALL, events.list(&of_claim)).await else {
            return None;
        };
        let mut said = said.items.into_iter().filter(|event| {
            // a server that knows no such selector lists them all
            event.involved_object.uid.as_deref() == Some(uid)
                && UNBOUND.contains(&event.reason.as_deref().unwrap_or_default())
        });
        if let Some(event) = said.next() {
            let message = clean::message(event.message.as_deref().unwrap_or_default());
            return Some(format!("the claim `{}`: {message}", clean::message(name)));
        }
    }
    None
}

/// Whether a pod is of a workload of the lab's, Flink's or another.
fn is_own(run: &Run<'_>, of: &Members, pod: &Pod) -> bool {
    let (kind, name) = members::owner(pod);
    let mut documents = run.lab.documents();
    members::role(of, pod).is_some()
        || documents.any(|document| document.kind == kind && document.name == name)
}

fn follow(
    event: Option<Result<watcher::Event<Pod>, watcher::Error>>,
    known: &mut BTreeMap<String, Pod>,
) {
    match event {
        Some(Ok(watcher::Event::Apply(pod) | watcher::Event::InitApply(pod))) => {
            known.insert(pod.metadata.uid.clone().unwrap_or_default(), pod);
        }
        Some(Ok(watcher::Event::Delete(pod))) => {
            known.remove(&pod.metadata.uid.unwrap_or_default());
        }
        Some(Ok(watcher::Event::Init)) => known.clear(),
        // The stream goes on by itself; the interval is the pause.
        Some(Ok(watcher::Event::InitDone) | Err(_)) | None => {}
    }
}

/// What the process said last before it ended.
async fn last_words(
    client: &Client,
    namespace: &str,
    pod: &Pod,
    container: &str,
) -> Option<String> {
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let name = pod.metadata.name.as_deref()?;
    for previous in [true, false] {
        let params = LogParams {
            container: Some(container.to_owned()),
            tail_lines: Some(LINES),
            previous,
            ..LogParams::default()
        };
        if let Ok(Ok(text)) = timeout(CALL, api.logs(name, &params)).await
            && let Some(root) = super::trouble::root(&text)
        {
            return Some(root);
        }
    }
    None
}

/// What the accounts of JobManagers may do, asked for where none of them comes to lead.
#[derive(Default)]
struct Rights {
    since: Option<Instant>,
    granted: bool,
}

impl Rights {
    async fn lacking(&mut self, run: &Run<'_>, client: &Client, pods: &[&Pod]) -> Option<Fault> {
        let members = run.lab.members();
        let is_running = |pod: &&&Pod| {
            let phase = pod
                .status
                .as_ref()
                .and_then(|status| status.phase.as_deref());
            members::role(&members, pod) == Some(Role::JobManager) && phase == Some("Running")
        };
        let jobmanager = pods.iter().find(is_running)?;
        let since = *self.since.get_or_insert_with(Instant::now);
        if self.granted || since.elapsed() < ELECTS {
            return None;
        }
        self.since = Some(Instant::now());
        let account = jobmanager.spec.as_ref()?.service_account_name.as_deref();
        let account = account.unwrap_or("default");
        let namespace = &run.lab.flink.namespace;
        let mut refused = Vec::new();
        for verb in VERBS {
            match may(client, namespace, account, verb).await {
                Some(true) => {}
                Some(false) => refused.push(format!("`{verb}`")),
                // Not known is not refused.
                None => return None,
            }
        }
        self.granted = refused.is_empty();
        (!self.granted).then(|| {
            Fault::unable(
                "ha-forbidden",
                format!(
                    "The account `{account}` may not {} config maps in the namespace `{namespace}`.",
                    refused.join(", ")
                ),
            )
            .why("Flink's high availability keeps lock, leader and pointers in them, so no JobManager can lead")
            .hint("Bind it to a Role with the verbs get, list, watch, create, update, patch and delete for `configmaps`.")
        })
    }
}

async fn may(client: &Client, namespace: &str, account: &str, verb: &str) -> Option<bool> {
    let reviews: Api<SubjectAccessReview> = Api::all(client.clone());
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(format!("system:serviceaccount:{namespace}:{account}")),
            groups: Some(vec![
                "system:serviceaccounts".to_owned(),
                format!("system:serviceaccounts:{namespace}"),
                "system:authenticated".to_owned(),
            ]),
            resource_attributes: Some(ResourceAttributes {
                namespace: Some(namespace.to_owned()),
                verb: Some(verb.to_owned()),
                resource: Some("configmaps".to_owned()),
                ..ResourceAttributes::default()
            }),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    };
    let how = PostParams::default();
    let answer = timeout(CALL, reviews.create(&how, &review)).await;
    answer.ok()?.ok()?.status.map(|status| status.allowed)
}
