//! What the parts of the program say to each other. `Event` is everything that can happen, `Effect`
//! everything that can be asked for; the rest is what they carry: pods, config maps, answers of
//! Flink, steps, finished runs. Plain data that can be written as a line of a recording and read
//! again (`recording`). No I/O and no clock; nobody's state.

mod active_failure;
mod command;
mod comparison;
mod count;
mod disk;
mod doctor;
mod effect;
mod event;
mod flink;
mod job_detail;
mod jobs;
mod key;
mod lesson;
mod log;
mod maps;
mod note;
mod plan;
mod pod;
mod record;
pub mod recording;
mod run_event;
mod run_result;

pub use active_failure::{ActiveFailure, Healed};
pub use command::Deed;
pub use comparison::{COMPARISON_FORMAT, Compared, Comparison};
pub use count::Count;
pub use disk::{DiskCheckpoint, DiskSample};
pub use doctor::flink_options;
pub use doctor::{
    Engine, EngineKind, Facts, Finding, Grade, HomeFacts, ImageUse, Kernel, Need, Place, PortUse,
    Who, findings,
};
pub use effect::{
    Adopted, BreakOrder, BundleOrder, DetailLevel, DoctorOrder, DownOrder, Effect, EffectKind,
    PodRef, PollMode, UpOrder,
};
pub use event::{
    ApplicationFacts, Event, Happening, LabFacts, LabNames, Link, NodeSeen, NodeState,
    OperatorFacts, Origin, Signal, Source, Stage,
};
pub use flink::{
    Checkpoint, CheckpointStatus, CheckpointsSample, FlinkSample, JobRow, Restored, Tasks, Via,
    Worker,
};
pub use flinklab_lab::failure::StatementName;
pub use job_detail::{JobDetail, JobException, Vertex};
pub use jobs::{
    ApplicationSeen, HaData, JobAct, JobDone, JobOrder, JobTold, JobsSeen, KnownJob, Retention,
    Start, StartKind, is_over,
};
pub use key::{Key, KeyCode};
pub use lesson::Kept;
pub use log::{Highlight, LogLine};
pub use maps::{ClusterMap, JobMap, LeaderKey, Lock, MapChange, Plan, Pointer};
pub use note::Note;
pub use plan::{Done, StepChange, StepState, Usual};
pub use pod::{BackOff, Condition, KubeEvent, Pod, PodChange, PodDetail, PodPhase, PreviousLog};
pub use record::{Beat, LeaseEnd, Led, Record, Withheld};
pub use run_event::{BreakBegun, RunEvent, RunEventKind};
pub use run_result::{Comeback, Phase, PhaseName, RunResult, Statement, Target};
