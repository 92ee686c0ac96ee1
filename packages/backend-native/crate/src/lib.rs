//! What `@rnn/backend-native` computes with. JavaScript sees `binding.rs` alone; an `Engine` is one backend.
mod arguments;
mod binding;
mod engine;
mod kernels;
mod memory;
mod operations;
mod pool;
mod program;
