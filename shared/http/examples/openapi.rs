//! Prints the description of the API.

#![expect(clippy::print_stdout, reason = "the description is what it is for")]

fn main() {
    print!("{}", trunkline_http::openapi());
}
