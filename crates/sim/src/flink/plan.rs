//! The plans of jobs, by which the next leader finds them: a file in the HA folder, and a pointer to it
//! in the config map.

use super::{checkpoints, lock, pointer};
use crate::api::Key;
use crate::cluster::Process;

/// The jobs that a leader recovers: their ids, and what their plans say to start from.
pub(super) fn kept(process: &Process, map: &Key) -> Vec<(String, Option<String>)> {
    let plans: Vec<(String, Option<String>)> = {
        let state = process.cluster.hold();
        let data = state.store.get(map).and_then(|map| map["data"].as_object());
        let ids = data.into_iter().flatten().filter_map(|(key, value)| {
            let id = key.strip_prefix(process.cluster.version.plan_key())?;
            Some((id.to_owned(), pointer::path(value.as_str()?)))
        });
        ids.collect()
    };
    let start = |file: Option<String>| {
        let text = std::fs::read(checkpoints::on_host(process, &file?)?).ok()?;
        let text = String::from_utf8_lossy(&text);
        let path = text.trim_end_matches('\0');
        (!path.is_empty()).then(|| path.to_owned())
    };
    let plans = plans.into_iter();
    plans.map(|(id, file)| (id, start(file))).collect()
}

/// Writes the plan of a new job where the next leader finds it.
pub(super) fn keep(process: &Process, id: &str, from: Option<&str>) -> Result<(), String> {
    let version = &process.cluster.version;
    let (name, size) = version.plan_file();
    let file = format!("{name}{}", process.cluster.context.dice.hex(12));
    let at = checkpoints::write_ha(process, &file, from.unwrap_or_default(), size)
        .map_err(|error| error.to_string())?;
    let lab = &process.cluster.lab;
    let map = lock::map_key(&lab.flink.namespace, &lab.cluster_map());
    process.act(|state| {
        let value = pointer::encode(&at, size as u64);
        lock::set(
            &mut state.store,
            &map,
            &format!("{}{id}", version.plan_key()),
            Some(value),
        );
    });
    Ok(())
}
