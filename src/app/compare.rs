//! `flinklab compare`: the same failures on several labs, one after the other, each on an instance
//! of its own that is removed afterwards. What was measured is written down after every failure, so
//! that the same command goes on where it was broken off. A lab of the user's is never touched.

mod asked;

use asked::{makes_sense, opened, refused};
use flinklab_base::advice;
use flinklab_base::advice::{Advice, Invocation};
use flinklab_base::clock;
use flinklab_base::clock::Instant;

use super::break_goal::{Breaking, Brief};
use super::inbox::Interruptible;
use super::lines::Goal;
use super::print::{Printer, Style};
use super::{Environment, crash, headless, logging, reports};
use crate::cli::{Cli, Command, Comparing};
use flinklab_base::fault::{Fault, Kind};
use flinklab_base::units;
use flinklab_event::{Adopted, Compared, Comparison, DownOrder, Effect};
use flinklab_lab::Lab;
use flinklab_lab::failure::Failure;
use flinklab_world::labs::LabStatus;
use flinklab_world::{Addresses, World, comparisons, manifests};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// How long removing one of the labs may take.
const DOWN: Duration = Duration::from_secs(600);

/// What a comparison is carried out with.
struct Stage<'a> {
    cli: &'a Cli,
    environment: &'a Environment,
    printer: &'a Printer,
    addresses: Addresses,
    failures: Vec<Failure>,
    began: Instant,
    /// What it was to take when it began.
    estimated: f64,
}

pub(super) fn run(
    cli: &Cli,
    asked: &Comparing,
    environment: &Environment,
    printer: &Printer,
) -> Result<u8, Fault> {
    refused(cli)?;
    let addresses = environment.addresses(&cli.global)?;
    let labs = opened(&asked.labs, |name| manifests::open(&addresses, name))?;
    let fresh = Comparison::new(&labs, &asked.keys, asked.times, clock::now());
    makes_sense(&fresh, &labs)?;
    let mut comparison = match comparisons::read(&addresses, &fresh.id())? {
        Some(found) if asked.again => Comparison {
            standing: found.standing,
            ..fresh
        },
        Some(found) => found,
        None => fresh,
    };
    let failures = labs
        .iter()
        .flat_map(|(_, lab)| lab.all_failures())
        .collect();
    let mut stage = Stage {
        cli,
        environment,
        printer,
        addresses,
        failures,
        began: Instant::now(),
        estimated: 0.0,
    };
    stage.estimated = comparison.seconds_left(&stage.failures);
    let runtime = super::runtime()?;
    let ended = runtime.block_on(async {
        let mut signals = Interruptible::begin();
        stage.all(&mut comparison, &mut signals).await
    });
    runtime.shutdown_timeout(Duration::from_millis(200));
    ended?;
    reports::compared(&comparison, (asked.format, asked.out.as_deref()), printer)
}

impl Stage<'_> {
    async fn all(
        &self,
        comparison: &mut Comparison,
        signals: &mut Interruptible,
    ) -> Result<(), Fault> {
        signals.wait(self.told(comparison)).await??;
        for index in 0..comparison.labs.len() {
            self.one(comparison, index, signals).await?;
        }
        Ok(())
    }

    /// What will be done, how long it takes, and what runs beside it.
    async fn told(&self, comparison: &Comparison) -> Result<(), Fault> {
        let (done, all) = comparison.progress();
        let seconds = comparison.seconds_left(&self.failures);
        if self.printer.style == Style::Json {
            let labs: Vec<&str> = comparison.labs.iter().map(|lab| lab.lab.as_str()).collect();
            self.printer.object(&json!({"comparison": {
                "id": comparison.id(), "labs": labs, "failures": comparison.failures,
                "times": comparison.times, "runs": {"done": done, "all": all},
                "seconds_left": seconds.round(),
            }}));
        } else if done < all {
            let names: Vec<String> = comparison.labs.iter().map(named).collect();
            self.printer.line(&format!(
                "Comparing {} on {}: {all} runs, {done} of them are there. It takes about {}.",
                comparison.failures.join(", "),
                names.join(", "),
                units::about(seconds)
            ));
            for lab in &comparison.labs {
                for (key, reason) in &lab.lacks {
                    self.printer
                        .line(&format!("{} is without {key}: {reason}.", lab.lab));
                }
            }
        } else {
            self.printer
                .line("All runs of this comparison are there; --again makes new ones.");
        }
        if done < all {
            self.beside(comparison).await;
        }
        Ok(())
    }

    /// A lab that runs beside those that are compared shares the machine with them.
    async fn beside(&self, comparison: &Comparison) {
        // Without Docker there is nothing beside; building the first lab says what is wrong.
        let Ok((listed, None)) = flinklab_world::labs::list(&self.addresses).await else {
            return;
        };
        let own = |name: &str| comparison.labs.iter().any(|lab| lab.instance == name);
        let runs = listed.iter().filter(|one| !own(&one.name)).filter(|one| {
            let standing = one.known.as_ref().map(|known| known.cluster);
            matches!(standing, Ok(LabStatus::Running | LabStatus::Partly))
        });
        for one in runs {
            self.printer.warning(&self.printer.called.advise(&advice!(
                "the lab `{0}` runs beside the comparison and slows it down; it is left alone. \
                 `flinklab stop --name {0}` frees the machine, `flinklab up --name {0}` brings it \
                 back.",
                one.name
            )));
        }
    }

    /// One lab: built, broken, written down, removed.
    async fn one(
        &self,
        comparison: &mut Comparison,
        index: usize,
        signals: &mut Interruptible,
    ) -> Result<(), Fault> {
        // Each loop hears signals itself; this is what came between two of them.
        let goes_on = |signals: &mut Interruptible, lab: &Compared| {
            signals
                .check()
                .map_err(|fault| going_on(fault, &self.called(lab)))
        };
        let lab = comparison.labs[index].clone();
        let stands = comparison.standing.as_ref() == Some(&lab.instance);
        let begins = comparison.left_of(&lab) > 0;
        if !stands && !begins {
            return Ok(());
        }
        if !stands && comparisons::is_taken(&self.addresses, &lab.instance) {
            return Err(Fault::unable(
                "name-taken",
                format!("There is a lab `{}` already, and not for this comparison.", lab.instance),
            )
            .hint(advice!(
                "If it is left of another comparison, remove it: `flinklab down --purge --name {}`.",
                lab.instance
            )));
        }
        let world = self.world(&lab)?;
        crash::watch(world.addresses.clone(), world.name.clone());
        logging::start(&world, self.cli.global.log_level);
        // What it kept when it was broken off counts, and need not be made again.
        comparison.take(
            &lab.instance,
            comparisons::kept(&self.addresses, &lab.instance)?,
        );
        if comparison.left_of(&comparison.labs[index]) > 0 {
            comparison.standing = Some(lab.instance.clone());
            comparisons::write(&self.addresses, comparison)?;
            let of = comparison.labs.len();
            self.say(&format!("{} of {of}: {}", index + 1, named(&lab)));
            goes_on(signals, &lab)?;
            let up = Command::Up {
                resume: false,
                timeout: None,
            };
            let built = headless::command(world.clone(), &up, self.printer).await;
            built.map_err(|fault| going_on(fault, &self.called(&lab)))?;
            for key in comparison.failures.clone() {
                goes_on(signals, &lab)?;
                let broken = self.broken(comparison, index, &key, &world).await;
                broken.map_err(|fault| going_on(fault, &self.called(&lab)))?;
            }
        }
        comparisons::write(&self.addresses, comparison)?;
        goes_on(signals, &lab)?;
        let removed = headless::follow(
            world,
            vec![Effect::Down(DownOrder {
                purge: true,
                adopted: Adopted::Kept,
            })],
            Goal::Plan { limit: DOWN },
            self.printer,
        );
        removed
            .await
            .map_err(|fault| going_on(fault, &self.called(&lab)))?;
        comparison.standing = None;
        comparisons::write(&self.addresses, comparison)
    }

    /// One failure on one lab, as often as it is still to be tried.
    async fn broken(
        &self,
        comparison: &mut Comparison,
        index: usize,
        key: &str,
        world: &Arc<World>,
    ) -> Result<(), Fault> {
        let lab = &comparison.labs[index];
        let left = comparison.left(lab, key);
        if left == 0 {
            return Ok(());
        }
        let instance = lab.instance.clone();
        let brief = Brief {
            lab: lab.lab.clone(),
            done: comparison.times - left,
            of: comparison.times,
        };
        let breaking = Breaking::briefly(key, left, brief);
        let (effects, goal) = (breaking.effects(), Goal::Break(Box::new(breaking)));
        let ended = headless::follow(world.clone(), effects, goal, self.printer).await;
        // What was judged before something went wrong is there all the same.
        comparison.take(&instance, comparisons::kept(&self.addresses, &instance)?);
        comparisons::write(&self.addresses, comparison)?;
        ended?;
        let (done, all) = comparison.progress();
        if done < all {
            let rest = self.rest(comparison);
            self.say(&format!(
                "{done} of {all} runs are there, about {rest} left"
            ));
        }
        Ok(())
    }

    /// The rest at the speed that was seen so far.
    fn rest(&self, comparison: &Comparison) -> String {
        let left = comparison.seconds_left(&self.failures);
        let planned = self.estimated - left;
        let factor = if planned > 0.0 {
            self.began.elapsed().as_secs_f64() / planned
        } else {
            1.0
        };
        units::about(left * factor.clamp(0.05, 5.0))
    }

    fn say(&self, text: &str) {
        if self.printer.style == Style::Text {
            self.printer.line(text);
        }
    }

    /// What other commands need to act on one of its labs.
    fn called(&self, lab: &Compared) -> Invocation {
        Invocation {
            name: lab.instance.clone(),
            lab: Some(lab.asked.clone()),
            home: self.printer.called.home.clone(),
        }
    }

    fn world(&self, lab: &Compared) -> Result<Arc<World>, Fault> {
        let private = self.environment.private(&self.addresses, Some(&lab.asked));
        Ok(Arc::new(World {
            private,
            origin: self.environment.origin,
            called: self.called(lab),
            ..World::new(
                self.addresses.clone(),
                lab.instance.clone(),
                Some(lab.asked.clone()),
                false,
            )
        }))
    }
}

/// A lab with the Flink that it runs.
fn named(lab: &Compared) -> String {
    match &lab.flink {
        Some(version) => format!("{} (Flink {version})", lab.lab),
        None => lab.lab.clone(),
    }
}

/// How a comparison that stopped here goes on, or is given up.
fn going_on(fault: Fault, called: &Invocation) -> Fault {
    let before = match fault.kind {
        Kind::Interrupted => Advice::default(),
        _ => fault.hint.clone(),
    };
    let way = advice!(
        "The same command goes on from here; what was measured is kept. To give it up: \
         `flinklab down --purge`."
    );
    fault.hint(called.settled(&before.then(" ", &way)))
}

/// The labs of a comparison, for a simulation of all of them; none where the command is another.
pub(super) fn labs_of(cli: &Cli) -> Result<Vec<Lab>, Fault> {
    let Some(Command::Compare(asked)) = &cli.command else {
        return Ok(Vec::new());
    };
    asked.labs.iter().map(|name| Lab::open(name)).collect()
}
