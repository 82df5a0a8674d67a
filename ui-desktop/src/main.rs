//! `kinora`: see [`ui_desktop::cli`].

fn main() -> std::process::ExitCode {
    ui_desktop::cli::main()
}
