//! `bundle create` and `bundle load`: all that `up` would pull, in one file, for machines without a
//! network. Only Docker is asked; no lab is touched.

mod file;
mod reading;
mod room;
mod writing;

use super::docker::{Docker, failed, late, words};
use super::up::progress::{Meter, Progress, Title};
use super::{Events, World, export, files, images, lessons};
use bollard::query_parameters::ImportImageOptions;
use bytes::Bytes;
use file::{PIECE, Packed};
use flinklab_base::advice;
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use flinklab_base::units;
use flinklab_event::{BundleOrder, Done, Event};
use flinklab_lab::{LESSONS, Lab, folder_in_words};
use futures::StreamExt;
use reading::Reader;
use room::{partial, sizes};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use writing::Writer;

const CREATE: &[Title] = &[
    ("docker", "Docker"),
    ("size", "What goes in"),
    ("write", "Images into the file"),
    ("verify", "Read back and verified"),
];
const LOAD: &[Title] = &[
    ("docker", "Docker"),
    ("verify", "Verified"),
    ("images", "Images into Docker"),
    ("lab", "Lab definition"),
];

/// How long Docker may say nothing while it takes or gives an image.
const SILENT: Duration = Duration::from_secs(300);
/// How often the bytes that went are told.
const FIGURES: Duration = Duration::from_secs(1);

/// Makes or loads a bundle, telling every step.
pub(super) async fn run(world: &World, order: &BundleOrder, events: &Events) {
    let progress = match order {
        BundleOrder::Create { .. } => Progress::new(events, CREATE),
        BundleOrder::Load { .. } => Progress::new(events, LOAD),
    };
    let done = match order {
        BundleOrder::Create { file } => create(world, file, &progress).await,
        BundleOrder::Load { file, folder } => load(world, file, folder.as_deref(), &progress).await,
    };
    match done {
        Ok(done) => events.send(Event::Done(done)).await,
        Err(fault) => {
            progress.fail(&fault.what).await;
            events.failed(fault).await;
        }
    }
}

/// The images that a lab needs: its nodes', its own, the job's.
fn needed(lab: &Lab) -> Vec<String> {
    let nodes = lab.cluster.nodes.iter().map(|node| node.image.clone());
    let own = lab.images.iter().chain([&lab.job.image]).cloned();
    let mut names: Vec<String> = Vec::new();
    for name in nodes.chain(own) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

async fn create(world: &World, file: &Path, progress: &Progress) -> Result<Done, Fault> {
    let lab = super::definition(world)?;
    if file.exists() {
        return Err(
            Fault::wrong("file-exists", format!("{} exists already.", file.display()))
                .why("a file of yours is not written over")
                .hint("Name another file, or remove it."),
        );
    }
    progress.begin("docker", "").await;
    let docker = world.docker().await?;
    progress.done("docker", docker.host()).await;

    progress.begin("size", "").await;
    let mut found = Vec::new();
    for name in needed(&lab) {
        let image = images::find(&docker, &name).await?.ok_or_else(|| {
            Fault::unable(
                "image-missing",
                format!("Docker does not have the image {name}."),
            )
            .hint(advice!(
                "Run `flinklab doctor --fix`: it pulls what the lab needs."
            ))
        })?;
        found.push((name, image));
    }
    let size: u64 = found.iter().map(|(_, image)| image.size).sum();
    let room = super::doctor::free(files::folder_of(file));
    let left = std::fs::metadata(partial(file)).map_or(0, |part| part.len());
    if let Some(room) = room.filter(|room| room + left < size) {
        return Err(Fault::unable(
            "disk-full",
            format!("There is no room for {}.", file.display()),
        )
        .why(format!(
            "it takes about {}, and {} are free",
            units::bytes(size),
            units::bytes(room)
        ))
        .hint("Name a file on a disk with more room, or make room."));
    }
    progress.done("size", sizes(&found, size)).await;

    progress.begin("write", "").await;
    let wanted: Vec<(String, String)> = found
        .iter()
        .map(|(name, image)| (name.clone(), image.id.clone()))
        .collect();
    let part = partial(file);
    let files = [lab.files.clone(), lessons::files(world)?].concat();
    let mut writer = Writer::open(&part, (&lab.name, &files), &wanted)?;
    let kept = writer.images();
    for (name, image) in found.iter().skip(kept) {
        let mut packed = Packed {
            image: name.clone(),
            id: image.id.clone(),
            architecture: image.architecture.clone(),
            pieces: Vec::new(),
        };
        write_image(&docker, &mut writer, &mut packed, progress).await?;
        writer.image(packed)?;
    }
    let bytes = writer.finish()?;
    let detail = match kept {
        0 => units::bytes(bytes),
        kept => format!(
            "{}, {kept} of {} there from before",
            units::bytes(bytes),
            found.len()
        ),
    };
    progress.done("write", detail).await;

    progress.begin("verify", "").await;
    let reader = read(&part, "verify", progress).await?;
    files::name(&part, file).map_err(|error| {
        Fault::unable(
            "bundle-unwritable",
            format!("Cannot write {}.", file.display()),
        )
        .why(error)
    })?;
    progress
        .done("verify", "every byte is as it was written")
        .await;
    Ok(Done::Bundled {
        seconds: progress.seconds(),
        file: file.display().to_string(),
        bytes,
        lab: reader.contents.lab,
        images: wanted.into_iter().map(|(name, _)| name).collect(),
    })
}

/// Reads an image out of Docker into the file.
async fn write_image(
    docker: &Docker,
    writer: &mut Writer,
    packed: &mut Packed,
    progress: &Progress,
) -> Result<(), Fault> {
    let image = packed.image.clone();
    let doing = format!("Reading the image {image} out of Docker");
    progress.tell("write", &format!("{image}: Docker makes it ready"));
    let export = images::export(docker, &image).await?;
    let of = export.size();
    let mut meter = Meter::new();
    let mut pieces = export.into_pieces();
    let (mut filled, mut bytes) = (Vec::with_capacity(PIECE), 0);
    loop {
        let next = tokio::time::timeout(SILENT, pieces.next()).await;
        let next = next.map_err(|_| late(&doing, SILENT))?;
        let Some(next) = next else { break };
        let mut next: Bytes = next
            .map_err(|why| Fault::unable("docker-failed", format!("{doing}: failed.")).why(why))?;
        bytes += next.len() as u64;
        while !next.is_empty() {
            let room = (PIECE - filled.len()).min(next.len());
            filled.extend_from_slice(&next.split_to(room));
            if filled.len() == PIECE {
                writer.piece(packed, &filled)?;
                filled.clear();
            }
        }
        let so_far = images::Progress {
            bytes,
            of: Some(of.max(bytes)),
        };
        progress.tell("write", &format!("{image}: {}", meter.told(so_far)));
    }
    if !filled.is_empty() {
        writer.piece(packed, &filled)?;
    }
    Ok(())
}

/// Opens a bundle, which reads all of it.
async fn read(file: &Path, step: &str, progress: &Progress) -> Result<Reader, Fault> {
    let mut meter = Meter::new();
    Reader::open(file, |bytes, of| {
        let so_far = images::Progress {
            bytes,
            of: Some(of),
        };
        progress.tell(step, &meter.told(so_far));
    })
    .await
}

async fn load(
    world: &World,
    file: &Path,
    folder: Option<&Path>,
    progress: &Progress,
) -> Result<Done, Fault> {
    progress.begin("docker", "").await;
    let docker = world.docker().await?;
    let daemon = docker.daemon().await?;
    progress.done("docker", docker.host()).await;

    progress.begin("verify", "").await;
    let mut reader = read(file, "verify", progress).await?;
    let (lessons, files) = reader.files()?.into_iter().partition(is_lesson);
    let (lab, lessons): (_, Vec<_>) = (Lab::from_files(files, "")?, lessons);
    for packed in &reader.contents.images {
        let here = architecture(&daemon.architecture);
        if packed.architecture != here {
            return Err(Fault::unable(
                "wrong-architecture",
                format!("This Docker cannot run {}.", packed.image),
            )
            .why(format!(
                "it is made for {}, and Docker runs on {here}",
                packed.architecture
            ))
            .hint("Make the bundle on a machine of the same kind."));
        }
    }
    let folder = unpacks_to(&lab, folder)?;
    progress
        .done(
            "verify",
            format!("every byte is as it was written, lab `{}`", lab.name),
        )
        .await;

    progress.begin("images", "").await;
    let (mut loaded, mut there) = (Vec::new(), Vec::new());
    for (n, packed) in reader.contents.images.clone().iter().enumerate() {
        let name = packed.image.clone();
        if images::id(&docker, &name).await?.as_ref() == Some(&packed.id) {
            there.push(name);
            continue;
        }
        load_image(&docker, &reader, n, packed, progress).await?;
        if images::id(&docker, &name).await?.is_none() {
            return Err(Fault::unable(
                "image-missing",
                format!("Docker took {name} in, and does not have it under this name."),
            )
            .hint("Run the command again; `docker images` shows what there is."));
        }
        loaded.push(name);
    }
    let detail = match (loaded.is_empty(), there.is_empty()) {
        (true, _) => "there already".to_owned(),
        (false, true) => loaded.join(", "),
        (false, false) => format!("{}; there already: {}", loaded.join(", "), there.join(", ")),
    };
    progress.done("images", detail).await;

    progress.begin("lab", "").await;
    if let Some(folder) = &folder {
        export::write(&lab, folder)?;
        export::write_lessons(&lessons, folder)?;
    }
    let folder = folder.as_deref().map(folder_in_words);
    let detail = match &folder {
        Some(folder) => format!("`{}` in {folder}", lab.name),
        None => format!("`{}` is built in", lab.name),
    };
    progress.done("lab", detail).await;
    Ok(Done::Unbundled {
        seconds: progress.seconds(),
        loaded,
        there,
        lab: lab.name,
        folder,
    })
}

/// Whether a file is one of a lesson, by its path.
fn is_lesson((path, _): &(String, String)) -> bool {
    path.split_once('/')
        .is_some_and(|(folder, _)| folder == LESSONS)
}

/// Docker's two words for a kind of machine are made one.
fn architecture(of_daemon: &str) -> &str {
    match of_daemon {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Where the lab's files go. None: this program has the same ones built in.
fn unpacks_to(lab: &Lab, folder: Option<&Path>) -> Result<Option<PathBuf>, Fault> {
    let built_in = Lab::open(&lab.name).is_ok_and(|own| own.files == lab.files);
    let folder = match (folder, built_in) {
        (Some(folder), _) => folder.to_path_buf(),
        (None, true) => return Ok(None),
        (None, false) => PathBuf::from(&lab.name),
    };
    let entries = std::fs::read_dir(&folder).map(|mut entries| entries.next().is_some());
    match entries {
        Ok(true) => Err(Fault::wrong(
            "folder-not-empty",
            format!(
                "The lab's files cannot go to {}: it is not empty.",
                folder.display()
            ),
        )
        .hint(advice!(
            "Name a new folder: `flinklab bundle load FILE --to FOLDER`."
        ))),
        _ => Ok(Some(folder)),
    }
}

async fn load_image(
    docker: &Docker,
    reader: &Reader,
    n: usize,
    packed: &Packed,
    progress: &Progress,
) -> Result<(), Fault> {
    let doing = format!("Loading {} into Docker", packed.image);
    let (sent, of) = (Arc::new(AtomicU64::new(0)), reader.size(n));
    let counted = sent.clone();
    let pieces = reader.pieces(n)?.map(move |piece| {
        piece.inspect(|piece| {
            counted.fetch_add(piece.len() as u64, Ordering::Relaxed);
        })
    });
    let options = ImportImageOptions::default();
    let mut answers = docker
        .patient()
        .import_image_stream(options, pieces, None)
        .boxed();
    let mut meter = Meter::new();
    let mut looked = tokio::time::interval(FIGURES);
    let mut last = (0, Instant::now());
    loop {
        tokio::select! {
            answer = answers.next() => match answer {
                None => return Ok(()),
                Some(Ok(_)) => last.1 = Instant::now(),
                Some(Err(error)) => return Err(failed(&doing, &error).why(words(&error))),
            },
            _ = looked.tick() => {
                let bytes = sent.load(Ordering::Relaxed);
                if bytes != last.0 {
                    last = (bytes, Instant::now());
                }
                if last.1.elapsed() > SILENT {
                    return Err(late(&doing, SILENT));
                }
                let so_far = images::Progress { bytes, of: Some(of) };
                progress.tell("images", &format!("{}: {}", packed.image, meter.told(so_far)));
            }
        }
    }
}
