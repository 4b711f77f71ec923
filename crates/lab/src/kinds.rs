//! The API versions and kinds that Kubernetes 1.34 to 1.37 can serve, so that a mistyped one is found
//! before anything is started. Fields are the API server's to judge. Beta and alpha versions are
//! in it too: `kind.yaml` may switch them on.

/// The minor versions that the table is of: the types of k8s.io/api 0.34.0 and 0.37.0 together.
pub(super) const MINORS: std::ops::RangeInclusive<u32> = 34..=37;

const KINDS: &[(&str, &[&str])] = &[
    (
        "v1",
        &[
            "Binding",
            "ConfigMap",
            "Endpoints",
            "Event",
            "LimitRange",
            "Namespace",
            "Node",
            "PersistentVolume",
            "PersistentVolumeClaim",
            "Pod",
            "PodTemplate",
            "ReplicationController",
            "ResourceQuota",
            "Secret",
            "Service",
            "ServiceAccount",
        ],
    ),
    (
        "apps/v1",
        &[
            "ControllerRevision",
            "DaemonSet",
            "Deployment",
            "ReplicaSet",
            "StatefulSet",
        ],
    ),
    ("batch/v1", &["CronJob", "Job"]),
    (
        "rbac.authorization.k8s.io/v1",
        &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
    ),
    (
        "networking.k8s.io/v1",
        &[
            "IPAddress",
            "Ingress",
            "IngressClass",
            "NetworkPolicy",
            "ServiceCIDR",
        ],
    ),
    ("networking.k8s.io/v1beta1", &["IPAddress", "ServiceCIDR"]),
    (
        "storage.k8s.io/v1",
        &[
            "CSIDriver",
            "CSINode",
            "CSIStorageCapacity",
            "StorageClass",
            "VolumeAttachment",
            "VolumeAttributesClass",
        ],
    ),
    ("storage.k8s.io/v1beta1", &["VolumeAttributesClass"]),
    ("storage.k8s.io/v1alpha1", &["VolumeAttributesClass"]),
    (
        "storagemigration.k8s.io/v1alpha1",
        &["StorageVersionMigration"],
    ),
    ("policy/v1", &["PodDisruptionBudget"]),
    ("autoscaling/v1", &["HorizontalPodAutoscaler"]),
    ("autoscaling/v2", &["HorizontalPodAutoscaler"]),
    ("scheduling.k8s.io/v1", &["PriorityClass"]),
    ("node.k8s.io/v1", &["RuntimeClass"]),
    ("coordination.k8s.io/v1", &["Lease"]),
    ("coordination.k8s.io/v1beta1", &["LeaseCandidate"]),
    ("coordination.k8s.io/v1alpha2", &["LeaseCandidate"]),
    ("discovery.k8s.io/v1", &["EndpointSlice"]),
    ("events.k8s.io/v1", &["Event"]),
    ("apiextensions.k8s.io/v1", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io/v1", &["APIService"]),
    (
        "admissionregistration.k8s.io/v1",
        &[
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    ),
    (
        "admissionregistration.k8s.io/v1beta1",
        &["MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"],
    ),
    (
        "admissionregistration.k8s.io/v1alpha1",
        &["MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"],
    ),
    (
        "certificates.k8s.io/v1",
        &[
            "CertificateSigningRequest",
            "ClusterTrustBundle",
            "PodCertificateRequest",
        ],
    ),
    (
        "certificates.k8s.io/v1beta1",
        &["ClusterTrustBundle", "PodCertificateRequest"],
    ),
    (
        "certificates.k8s.io/v1alpha1",
        &["ClusterTrustBundle", "PodCertificateRequest"],
    ),
    (
        "flowcontrol.apiserver.k8s.io/v1",
        &["FlowSchema", "PriorityLevelConfiguration"],
    ),
    ("internal.apiserver.k8s.io/v1alpha1", &["StorageVersion"]),
    (
        "resource.k8s.io/v1",
        &[
            "DeviceClass",
            "DeviceTaintRule",
            "ResourceClaim",
            "ResourceClaimTemplate",
            "ResourceSlice",
        ],
    ),
    (
        "resource.k8s.io/v1beta2",
        &[
            "DeviceClass",
            "DeviceTaintRule",
            "ResourceClaim",
            "ResourceClaimTemplate",
            "ResourceSlice",
        ],
    ),
    (
        "resource.k8s.io/v1beta1",
        &[
            "DeviceClass",
            "ResourceClaim",
            "ResourceClaimTemplate",
            "ResourceSlice",
        ],
    ),
    (
        "resource.k8s.io/v1alpha3",
        &["DeviceTaintRule", "ResourcePoolStatusRequest"],
    ),
    (
        "lifecycle.k8s.io/v1alpha1",
        &["Eviction", "EvictionRequest"],
    ),
    (
        "scheduling.k8s.io/v1alpha3",
        &["CompositePodGroup", "PodGroup", "Workload"],
    ),
    ("scheduling.k8s.io/v1beta1", &["PodGroup", "Workload"]),
    ("storagemigration.k8s.io/v1", &["StorageVersionMigration"]),
    (
        "storagemigration.k8s.io/v1beta1",
        &["StorageVersionMigration"],
    ),
];

/// Whether the API server knows it without a custom resource definition.
pub(super) fn has(api_version: &str, kind: &str) -> bool {
    of(api_version).is_some_and(|kinds| kinds.contains(&kind))
}

/// The kinds of an API version, if there is that version.
pub(super) fn of(api_version: &str) -> Option<&'static [&'static str]> {
    KINDS
        .iter()
        .find(|(known, _)| *known == api_version)
        .map(|(_, kinds)| *kinds)
}

/// The API versions that have a kind of that name.
pub(super) fn with(kind: &str) -> impl Iterator<Item = &'static str> {
    KINDS
        .iter()
        .filter(move |(_, kinds)| kinds.contains(&kind))
        .map(|(api_version, _)| *api_version)
}

/// All API versions.
pub(super) fn api_versions() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(api_version, _)| *api_version)
}

/// All kinds; some are there more than once.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    KINDS.iter().flat_map(|(_, kinds)| kinds.iter().copied())
}

/// Whether any version of that group is Kubernetes' own.
pub(super) fn is_own_group(api_version: &str) -> bool {
    api_versions().any(|known| group(known) == group(api_version))
}

/// The group of an API version; that of `v1` is empty.
pub(super) fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}
