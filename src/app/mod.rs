//! The loop and its two printers.
