//! What a command must ask before it does something that cannot be taken back.

use super::print::{Printer, Style};
use crate::fault::{Fault, Kind};
use crate::model::Adopted;
use crate::world::{self, World};

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
    let kinds = world::taken_over(world).await?;
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
        return match printer.ask("Remove the cluster?") {
            Some(true) => Ok(Adopted::Removed),
            Some(false) => Err(not_confirmed()),
            None => Err(Fault::wrong(
                "needs-yes",
                "`down` must ask before it removes what flinklab did not make, and there is nobody \
                 to ask. Nothing was removed.",
            )
            .why(kinds_said)
            .mend("Add --yes.")),
        };
    }
    let listing = world::purge_listing(world).await?;
    if printer.style == Style::Text {
        printer.line("This removes for good:");
        for line in &listing {
            printer.line(&format!("  {line}"));
        }
    }
    match printer.ask("Remove it?") {
        Some(true) => Ok(Adopted::Removed),
        Some(false) => Err(not_confirmed()),
        None => Err(Fault::wrong(
            "needs-yes",
            "`down --purge` must ask first and there is nobody to ask. Nothing was removed.",
        )
        .why(format!("it would remove {}", listing.join(", ")))
        .mend("Add --yes.")),
    }
}

fn not_confirmed() -> Fault {
    Fault::new(Kind::Interrupted, "not-confirmed", "Nothing was removed.")
}
