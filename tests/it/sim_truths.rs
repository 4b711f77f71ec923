//! What the simulation must be true to, each truth a test named after it, with real bollard and
//! kube clients. They were seen on a real Docker 20.10, Kubernetes 1.34 and Flink 2.2.1.

mod docker;
mod flink;
mod kubernetes;
mod savepoints;
