//! Every route and every operation of the socket, asked by everyone there is: from nobody to the owner of the space, with those who
//! have a role over the whole service and those who lost what they had. What each is answered stands in `golden/rights.txt`, a table to
//! be read and reviewed; a route that nobody asks here is named in `golden/routes_without_authz_test.txt`.

mod cast;
mod ops;
mod samples;

use std::{collections::BTreeMap, fmt::Write, fs, path::PathBuf};

use futures_util::{StreamExt, stream};

use self::{
    cast::{Cast, Who},
    samples::{SAMPLES, Sample},
};

/// Samples that are tried at the same time, each in a room of its own.
const AT_ONCE: usize = 4;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(name)
}

/// What everyone was answered, by sample.
type Answers = BTreeMap<(usize, &'static str), Vec<u16>>;

fn table(answers: &Answers) -> String {
    let names: Vec<_> = Who::ALL.iter().map(|who| who.name()).collect();
    let mut text = String::from(
        "# Who may: yes, or the status of the refusal. A frame of the socket has the status of its problem.\n\
         # UPDATE_GOLDEN=1 writes the file anew: read the difference as a change of rights.\n",
    );
    writeln!(text, "{:<64} {}", "#", names.join(" ")).expect("texts take writing");
    for ((_, of), statuses) in answers {
        write!(text, "{of:<64}").expect("texts take writing");
        for (status, name) in statuses.iter().zip(&names) {
            let word = match status {
                200..300 => "yes".to_owned(),
                refused => refused.to_string(),
            };
            write!(text, " {word:<width$}", width = name.len()).expect("texts take writing");
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

fn compare(name: &str, now: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(golden(name), now).expect("written");
    }
    let committed = fs::read_to_string(golden(name)).unwrap_or_default();
    assert_eq!(committed, now, "tests/golden/{name}: UPDATE_GOLDEN=1 writes it anew");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everyone_is_answered_as_the_table_of_rights_says() {
    let cast = Cast::assemble().await;
    let mut answers = Answers::new();
    for (alone, at_once) in [(false, AT_ONCE), (true, 1)] {
        let samples = SAMPLES.iter().enumerate().filter(|(_, sample)| sample.alone == alone);
        let asked = stream::iter(samples.map(|(place, sample)| {
            let cast = &cast;
            async move { ((place, sample.of), statuses(cast, sample).await) }
        }));
        answers.extend(asked.buffer_unordered(at_once).collect::<Vec<_>>().await);
    }
    answers.extend(ops::answers(&cast, SAMPLES.len()).await);
    compare("rights.txt", &table(&answers));
}

async fn statuses(cast: &Cast, sample: &Sample) -> Vec<u16> {
    let mut room = cast.room().await;
    let mut statuses = vec![];
    for who in Who::ALL {
        let status = sample.ask(cast, &room, *who).await;
        // What was done cannot be done again, so the next one finds everything as it was.
        if sample.uses_up && status < 400 {
            room = cast.room().await;
        }
        statuses.push(status);
    }
    statuses
}

#[test]
fn every_route_is_asked_by_everyone_or_named_as_one_that_is_not() {
    let routes = fs::read_to_string(golden("routes.txt")).expect("the table of routes");
    let mut text = String::from("# Routes that the matrix of rights does not ask. Each line is a gap.\n");
    for line in routes.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        let (Some(method), Some(path)) = (words.next(), words.next()) else {
            continue;
        };
        if !SAMPLES.iter().any(|sample| sample.is_of(method, path)) {
            writeln!(text, "{method} {path}").expect("texts take writing");
        }
    }
    compare("routes_without_authz_test.txt", &text);
}

#[test]
fn every_sample_is_of_a_route_that_exists() {
    let routes = fs::read_to_string(golden("routes.txt")).expect("the table of routes");
    let known: Vec<Vec<&str>> = routes
        .lines()
        .map(|line| line.split_whitespace().take(2).collect())
        .collect();
    for sample in SAMPLES {
        let found = known
            .iter()
            .any(|words| matches!(words[..], [method, path] if sample.is_of(method, path)));
        assert!(found, "{} is in no table of routes", sample.of);
    }
}
