//! The program `verbatim`: its command line, its allocator and its runtime. Everything it does is in the library.

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use anyhow::Context;
use api::{
    EXIT_FAILED,
    settings::{EXIT_SETTINGS, Flags, NAMES, Settings},
    telemetry,
};
use clap::{Arg, ArgMatches, Command, value_parser};
use domain::{Handle, user::ServiceRole};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Threads for the write side and the views; the HTTP workers have their own. Two keep a decision from waiting behind a fold.
const RUNTIME_THREADS: usize = 2;

fn main() -> ExitCode {
    // Before anything speaks TLS, so that all of it uses the same implementation; already there would be as good.
    let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let matches = command().get_matches();
    let load = match matches.subcommand() {
        Some(("keys", _)) => Settings::load_before_keys,
        Some(_) | None => Settings::load,
    };
    let settings = match load(&flags(&matches)) {
        Ok(settings) => settings,
        Err(mistakes) => {
            eprintln!("{mistakes}");
            return ExitCode::from(EXIT_SETTINGS);
        }
    };
    let done = match matches.subcommand() {
        Some(("check-config", _)) => {
            print!("{}", settings.shown());
            Ok(0)
        }
        Some(("keys", _)) => create_keys(&settings),
        Some(("grant", arguments)) => grant(&settings, arguments),
        Some(("revoke", arguments)) => revoke(&settings, arguments),
        Some(("raise-incarnation", _)) => raise_incarnation(&settings),
        Some(_) | None => serve(settings),
    };
    done.map_or_else(|error| failed(&error), ExitCode::from)
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("{error:#}");
    ExitCode::from(EXIT_FAILED)
}

fn serve(settings: Settings) -> anyhow::Result<u8> {
    telemetry::start(settings.log_format);
    let exit = runtime()?.block_on(api::serve(settings))?;
    // Workers that are still closing connections are not waited for.
    std::process::exit(i32::from(exit))
}

fn create_keys(settings: &Settings) -> anyhow::Result<u8> {
    api::create_keys(settings)?;
    println!("the keys are in {}", settings.secrets_dir.display());
    Ok(0)
}

fn grant(settings: &Settings, arguments: &ArgMatches) -> anyhow::Result<u8> {
    let (handle, role) = whom_and_what(arguments)?;
    runtime()?.block_on(api::grant(settings, &handle, role))?;
    Ok(0)
}

fn revoke(settings: &Settings, arguments: &ArgMatches) -> anyhow::Result<u8> {
    let (handle, role) = whom_and_what(arguments)?;
    runtime()?.block_on(api::revoke(settings, &handle, role))?;
    Ok(0)
}

fn raise_incarnation(settings: &Settings) -> anyhow::Result<u8> {
    let identity = runtime()?.block_on(api::raise_incarnation(settings))?;
    println!("the log is {identity} now");
    Ok(0)
}

fn whom_and_what(arguments: &ArgMatches) -> anyhow::Result<(Handle, ServiceRole)> {
    let handle = arguments
        .get_one::<String>("handle")
        .map(String::as_str)
        .unwrap_or_default();
    let handle = Handle::parse(handle)?;
    let role = match arguments.get_one::<String>("role").map(String::as_str) {
        Some("operator") => ServiceRole::Operator,
        _ => ServiceRole::Auditor,
    };
    Ok((handle, role))
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(RUNTIME_THREADS)
        .enable_all()
        .build();
    runtime.context("the runtime cannot be started")
}

/// Every setting is a flag, before or after the subcommand.
fn command() -> Command {
    let settings = NAMES.iter().map(|name| {
        let help = format!("{} [env: {}]", name.help, name.variable());
        Arg::new(name.key)
            .long(name.flag())
            .value_name(name.value)
            .help(help)
            .global(true)
    });
    Command::new("verbatim")
        .about("A chat service whose every message is a durable event")
        .version(env!("CARGO_PKG_VERSION"))
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .help("Settings file [default: verbatim.toml, if there is one]")
                .value_parser(value_parser!(PathBuf))
                .global(true),
        )
        .args(settings)
        .after_help("VERBATIM_LIMIT_<NAME> overrides one limit of `GET /api/v1/limits`.")
        .subcommand(Command::new("serve").about("Serve until told to stop (the default)"))
        .subcommand(Command::new("check-config").about("Print the effective settings, secrets redacted"))
        .subcommand(
            Command::new("keys")
                .about("The service's own keys")
                .subcommand_required(true)
                .subcommand(Command::new("create").about("Make the keys that are missing; those that are there stay")),
        )
        .subcommand(
            Command::new("grant")
                .about("Give an account a role over the whole service; the server must not be running")
                .args(whom_and_what_arguments()),
        )
        .subcommand(
            Command::new("revoke")
                .about("Take such a role away again; the server must not be running")
                .args(whom_and_what_arguments()),
        )
        .subcommand(Command::new("raise-incarnation").about(
            "Say that the log was restored from a backup, so that clients begin anew; the server must not be running",
        ))
}

fn whom_and_what_arguments() -> [Arg; 2] {
    [
        Arg::new("handle").required(true).value_name("HANDLE"),
        Arg::new("role").required(true).value_parser(["operator", "auditor"]),
    ]
}

fn flags(matches: &ArgMatches) -> Flags {
    let mut matches = matches;
    while let Some((_, below)) = matches.subcommand() {
        matches = below;
    }
    let given = |key: &'static str| Some((key, matches.get_one::<String>(key)?.clone()));
    let values: BTreeMap<_, _> = NAMES.iter().filter_map(|name| given(name.key)).collect();
    Flags {
        config: matches.get_one::<PathBuf>("config").cloned(),
        values,
    }
}
