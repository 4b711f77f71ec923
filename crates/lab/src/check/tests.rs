//! What the checks say of whole labs.

mod parity;
mod unbuildable;
