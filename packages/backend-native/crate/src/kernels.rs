//! The kernels: written once for all element types and registers, compiled once for each set of registers (`table.rs`).
#[cfg(test)]
mod checks;
pub mod elementwise;
pub mod functions;
pub mod lanes;
pub mod movement;
pub mod reals;
pub mod reduction;
pub mod table;
pub mod tiles;
