//! Which pod an address means: Flink writes down hosts, and people know pods.

use flinklab_event::Pod;
use flinklab_lab::failure::Role;
use std::collections::BTreeMap;

/// The JobManager that has the address. While a pod is being deleted, its address may already be
/// another one's: the one that stays is meant. With a stable host name, the first label is the pod.
/// A Service's name tells no pod from another, but where there is one JobManager it means that one.
pub(super) fn job_manager_at<'a>(pods: &'a BTreeMap<String, Pod>, host: &str) -> Option<&'a Pod> {
    let named = host.split('.').next().unwrap_or(host);
    let all = || pods.values().filter(|pod| pod.role == Role::JobManager);
    let own = all().filter(|pod| pod.ip.as_deref() == Some(host) || pod.name == named);
    own.min_by_key(|pod| pod.deleting).or_else(|| {
        let service = !host.is_empty() && host.parse::<std::net::IpAddr>().is_err();
        let stay = all().filter(|pod| pod.deleting.is_none());
        let only = match stay.clone().count() {
            0 => all().min_by_key(|pod| pod.deleting),
            1 => stay.min_by_key(|pod| pod.deleting),
            _ => None,
        };
        only.filter(|_| service)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use flinklab_event::PodPhase;

    fn pod(name: &str, ip: &str, deleting: bool) -> (String, Pod) {
        let pod = Pod {
            uid: format!("{name}-{ip}"),
            name: name.into(),
            role: Role::JobManager,
            phase: PodPhase::Running,
            ready: true,
            restarts: 0,
            container: None,
            ip: Some(ip.into()),
            node: None,
            created: None,
            deleting: deleting.then_some(jiff::Timestamp::UNIX_EPOCH),
            waiting: None,
            last_exit: None,
            detail: Box::default(),
        };
        (pod.uid.clone(), pod)
    }

    #[test]
    fn a_service_means_the_only_jobmanager() {
        let named = |pods: &[(String, Pod)], host: &str| {
            let pods = pods.iter().cloned().collect();
            job_manager_at(&pods, host).map(|pod| pod.uid.clone())
        };
        let one = [pod("beam-jobmanager-0", "10.0.0.1", false)];
        assert_eq!(
            named(&one, "beam-jobmanager").as_deref(),
            Some("beam-jobmanager-0-10.0.0.1")
        );
        assert_eq!(
            named(&one, "10.0.0.9"),
            None,
            "an address of a pod that is gone"
        );
        assert_eq!(named(&one, ""), None);
        let two = [one[0].clone(), pod("b", "10.0.0.2", false)];
        assert_eq!(named(&two, "beam-jobmanager"), None, "it may mean either");
        assert_eq!(named(&two, "10.0.0.2").as_deref(), Some("b-10.0.0.2"));
        let replaced = [
            pod("beam-jobmanager-0", "10.0.0.1", true),
            pod("beam-jobmanager-0", "10.0.0.2", false),
        ];
        assert_eq!(
            named(&replaced, "beam-jobmanager").as_deref(),
            Some("beam-jobmanager-0-10.0.0.2")
        );
    }
}
