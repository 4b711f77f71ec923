//! What a command must ask before it does something that cannot be taken back.

use super::print::{Printer, Style};
use crate::fault::{Fault, Kind};
use crate::world::{self, World};

/// Before `down --purge`: lists what would be lost and asks. Plain `down` keeps all data and asks
/// nothing.
pub(super) async fn before_down(
    world: &World,
    purge: bool,
    printer: &Printer,
) -> Result<(), Fault> {
    if !purge || world.read_only {
        return Ok(());
    }
    let listing = world::purge_listing(world).await?;
    if printer.style == Style::Text {
        printer.line("This removes for good:");
        for line in &listing {
            printer.line(&format!("  {line}"));
        }
    }
    match printer.ask("Remove it?") {
        Some(true) => Ok(()),
        Some(false) => Err(Fault::new(
            Kind::Interrupted,
            "not-confirmed",
            "Nothing was removed.",
        )),
        None => Err(Fault::wrong(
            "needs-yes",
            "`down --purge` must ask first and there is nobody to ask. Nothing was removed.",
        )
        .why(format!("it would remove {}", listing.join(", ")))
        .mend("Add --yes.")),
    }
}
