//! Runs the chapter's programs and checks what they print, draw and return.

mod blocking_the_loop;
mod cancellation;
mod coroutine;
mod echo;
mod event_loop;
mod executor;
mod futures;
mod hazards;
mod heavy_computation;
mod schedules;
mod tasks;
mod thread_pool;
