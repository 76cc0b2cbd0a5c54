//! Prints the description of the API: `cargo run -p trunkline-http --features openapi --example openapi > openapi.yaml`.

#![expect(clippy::print_stdout, reason = "the description is what it is for")]

fn main() {
    print!("{}", trunkline_http::openapi());
}
