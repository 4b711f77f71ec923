//! What a command must ask before it does something that cannot be taken back.

use super::print::{Printer, Style};
use flinklab_base::fault::{Fault, Kind};
use flinklab_event::Adopted;
use flinklab_lab::Remote;
use flinklab_world::World;

const NEEDS_YES: &str = "needs-yes";
/// What a no to a removal comes to.
const KEPT: &str = "Nothing was removed.";

/// Before `up`: whether there is something to fetch, and may be. What a lab takes from elsewhere is
/// named with its sum.
pub(super) fn before_up(world: &World, printer: &Printer) -> Result<bool, Fault> {
    if world.read_only {
        return Ok(false); // it is refused anyway
    }
    may_fetch(&flinklab_world::manifests::wanted(world)?, printer)
}

/// Asks before manifests are fetched; none: nothing is asked.
pub(super) fn may_fetch(wanted: &[Remote], printer: &Printer) -> Result<bool, Fault> {
    if wanted.is_empty() {
        return Ok(false);
    }
    let listing: Vec<String> = wanted
        .iter()
        .map(|one| format!("{} from {} (SHA-256 {})", one.file, one.url, one.sha256))
        .collect();
    if printer.style == Style::Text {
        printer.line("The lab takes manifests from elsewhere, which its cluster will obey:");
        for line in &listing {
            printer.line(&format!("  {line}"));
        }
    }
    let nobody = "`up` must ask before it fetches a manifest, and there is nobody to ask. Nothing was \
                  built.";
    let no = "Nothing was fetched and nothing was built.";
    agreed(printer, "Fetch and apply them?", no, nobody, || {
        listing.join(", ")
    })
    .map(|()| true)
    .map_err(|fault| {
        if fault.code == NEEDS_YES {
            Fault {
                place: wanted[0].at_url.clone(),
                ..fault
            }
        } else {
            fault
        }
    })
}

/// Before `down`: names what of the cluster is not ours to begin with; before `--purge` lists what
/// would be lost too. Asks once. Plain `down` of our own cluster keeps all data and asks nothing.
pub(super) async fn before_down(
    world: &World,
    purge: bool,
    printer: &Printer,
) -> Result<Adopted, Fault> {
    if world.read_only {
        return Ok(Adopted::Kept); // it is refused anyway
    }
    let kinds = flinklab_world::taken_over(world).await?;
    if !purge && kinds.is_empty() {
        return Ok(Adopted::Kept);
    }
    let kinds_said = format!(
        "{} was made by kind, not by flinklab, with all that anybody put into the cluster",
        kinds.join(", ")
    );
    if !kinds.is_empty() && printer.style == Style::Text {
        printer.line(&format!("{kinds_said}."));
    }
    if !purge {
        let nobody = "`down` must ask before it removes what flinklab did not make, and there is nobody to \
                      ask. Nothing was removed.";
        agreed(printer, "Remove the cluster?", KEPT, nobody, || kinds_said)?;
        return Ok(Adopted::Removed);
    }
    let listing = flinklab_world::purge_listing(world).await?;
    if printer.style == Style::Text {
        printer.line("This removes for good:");
        for line in &listing {
            printer.line(&format!("  {line}"));
        }
    }
    let nobody = "`down --purge` must ask first and there is nobody to ask. Nothing was removed.";
    agreed(printer, "Remove it?", KEPT, nobody, || {
        format!("it would remove {}", listing.join(", "))
    })?;
    Ok(Adopted::Removed)
}

/// Asks. A no is told as what was not done; where there is nobody to ask, so is how to agree.
pub(super) fn agreed(
    printer: &Printer,
    question: &str,
    no: &str,
    nobody: &str,
    why: impl FnOnce() -> String,
) -> Result<(), Fault> {
    match printer.ask(question) {
        Some(true) => Ok(()),
        Some(false) => Err(Fault::new(Kind::Interrupted, "not-confirmed", no)),
        None => Err(Fault::wrong(NEEDS_YES, nobody)
            .why(why())
            .hint("Add --yes.")),
    }
}
