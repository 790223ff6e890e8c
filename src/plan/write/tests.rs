//! What is frozen is what was read: every record once, in one block, in order.

use polars::prelude::*;
use proptest::prelude::*;

use super::*;
use crate::job::{ChunkFormat, Format, OnDuplicate, OnFailure};
use crate::plan::sandbox::{Frozen, Sandbox, answer_column, endpoint, numbers, options, texts};
use crate::value::{self, Field, Type, Value};

/// The shards of a round cover ordinals 0 to `records` without gap, and so do their blocks; row by row.
fn all_lines(frozen: &Frozen) -> Vec<(i64, i64, String, Option<String>)> {
    let mut lines = Vec::new();
    for shard in &frozen.round.shards {
        let mut line = 0;
        for block in &shard.blocks {
            assert_eq!(block.line, line);
            line += block.records;
            let frame = frozen.block(shard, block);
            let ordinals = numbers(&frame, input::ORDINAL);
            assert_eq!(ordinals.first().copied(), Some(block.first as i64));
            let ids = texts(&frame, "id").into_iter().map(Option::unwrap);
            let rows =
                ordinals.into_iter().zip(numbers(&frame, input::ASK)).zip(ids).zip(texts(&frame, "word"));
            lines.extend(rows.map(|(((ordinal, ask), id), word)| (ordinal, ask, id, word)));
        }
        let file = std::fs::read(frozen.run.local_path(shard.number, layout::INPUT)).unwrap();
        assert_eq!(shard.input_sha256, digest::sha256(&file));
        assert_eq!(shard.pairs, 2 * line);
    }
    lines
}

fn csv_of(records: &[(String, Option<String>)]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["word", "id"]).unwrap();
    for (id, word) in records {
        writer.write_record([word.as_deref().unwrap_or_default(), id]).unwrap();
    }
    writer.into_inner().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_record_is_in_one_block_in_order(
        words in proptest::collection::vec(proptest::option::of("\\PC{1,6}|[\\r\\n\"\\x00,]{1,3}"), 1..700),
        cores in 1u32..9,
        shard_size in 1u64..400,
    ) {
        let records: Vec<(String, Option<String>)> =
            words.into_iter().enumerate().map(|(index, word)| (format!("{index}\r/?#%\n"), word)).collect();
        let sandbox = Sandbox::new();
        let mut job = sandbox.job(Format::Csv, &csv_of(&records));
        job.input.columns = vec!["word".into()];
        job.input.dialect.quote = Some(crate::job::Quote::Character(b'"'));
        job.endpoints.push(endpoint("two", "https://example.org/two/{id}"));
        job.settings.shard_size = shard_size;
        let frozen = sandbox.plan(&job, &PlanOptions { cores, ..options() });
        let expected: Vec<_> =
            (0i64..).zip(records).map(|(ordinal, (id, word))| (ordinal, 0b11, id, word)).collect();
        prop_assert_eq!(frozen.plan.records, expected.len() as u64);
        prop_assert_eq!(all_lines(&frozen), expected);
        let numbers: Vec<u32> = frozen.round.shards.iter().map(|shard| shard.number).collect();
        prop_assert_eq!(numbers, (0..frozen.round.shards.len() as u32).collect::<Vec<_>>());
    }

    #[test]
    fn a_sample_is_spread_evenly(records in 1u64..5000, sample in 1u64..5000) {
        let sample = sample.min(records);
        let chosen: Vec<u64> = (0..records).filter(|index| in_sample(*index, sample, records)).collect();
        let expected: Vec<u64> = (0..sample).map(|index| index * records / sample).collect();
        prop_assert_eq!(chosen, expected);
    }
}

#[test]
fn the_plan_says_what_was_frozen() {
    let sandbox = Sandbox::new();
    let content = b"country,id,year\nno,a,1999\nse,b,\nno,a,2000\n";
    let mut job = sandbox.job(Format::Csv, content);
    job.input.columns = vec!["country".into()];
    job.input.types = vec![("year".into(), Type::Integer)];
    job.input.on_duplicate = OnDuplicate::First;
    job.endpoints[0] = endpoint("one", "https://example.org/{id}/{year}");
    job.endpoints[0].columns = vec![answer_column("title", Type::Text)];
    job.endpoints[0].on_failure = OnFailure::Keep;
    let frozen = sandbox.plan(&job, &options());
    let plan = &frozen.plan;
    assert_eq!(plan, &crate::plan::sandbox::wait(frozen.run.plan()).unwrap(), "as it stands on disk");
    assert_eq!((plan.run.as_str(), plan.job.as_str()), ("20261123T071500-4f2a9c81d3f60", "films"));
    assert_eq!((plan.records, plan.left_out, plan.created_at), (2, 1, 7));
    assert_eq!(plan.source, sandbox.path().join("list").display().to_string());
    assert_eq!(plan.input_sha256, digest::sha256(content));
    assert_eq!(plan.questions_sha256, questions_sha256(&job));
    let names: Vec<&str> = plan.columns.iter().map(|field| field.name.as_str()).collect();
    assert_eq!((names, plan.id_columns), (vec!["id", "country", "year"], 1));
    assert_eq!(plan.endpoints[0].columns, [Field { name: "title".into(), ty: Type::Text }]);
    assert_eq!(
        (plan.endpoints[0].on_failure, plan.chunks, plan.trial),
        (OnFailure::Keep, ChunkFormat::Parquet, false)
    );
    assert_eq!(frozen.round.number, 0);

    let lines = frozen.lines(&frozen.round);
    let columns: Vec<&str> = lines.get_column_names().into_iter().map(|name| name.as_str()).collect();
    assert_eq!(columns, ["ordinal", "ask", "id", "country", "year"]);
    assert_eq!(lines.column("year").unwrap().i32().unwrap().iter().collect::<Vec<_>>(), [Some(1999), None]);
    let job_text = crate::plan::sandbox::wait(frozen.run.job_text(&frozen.plan)).unwrap();
    assert_eq!(job_text, job.text);
}

#[test]
fn every_type_is_frozen_as_documented() {
    let sandbox = Sandbox::new();
    let types = [
        ("flag", Type::Boolean, "true", DataType::Boolean),
        ("small", Type::Integer, "-7", DataType::Int32),
        ("large", Type::Bigint, "9007199254740993", DataType::Int64),
        ("real", Type::Double, "0.1", DataType::Float64),
        ("money", Type::Decimal { precision: 38, scale: 2 }, "999.5", DataType::Decimal(38, 2)),
        ("day", Type::Date, "2024-02-29", DataType::Date),
        (
            "moment",
            Type::Timestamp,
            "2024-02-29T23:59:59.123456Z",
            DataType::Datetime(TimeUnit::Microseconds, None),
        ),
        ("tree", Type::Json, "[1]", DataType::String),
    ];
    let (names, values): (Vec<&str>, Vec<&str>) =
        types.iter().map(|(name, _, text, _)| (*name, *text)).unzip();
    let nulls = ",".repeat(types.len());
    let content =
        format!("id\t{}\na\t{}\nb{}\n", names.join("\t"), values.join("\t"), nulls.replace(',', "\t"));
    let mut job = sandbox.job(Format::Tsv, content.as_bytes());
    job.input.columns = names.iter().map(|name| (*name).to_owned()).collect();
    job.input.types = types.iter().map(|(name, ty, ..)| ((*name).to_owned(), *ty)).collect();
    let frozen = sandbox.plan(&job, &options());
    let lines = frozen.lines(&frozen.round);
    for (name, ty, text, stored) in types {
        let column = lines.column(name).unwrap();
        assert_eq!(column.dtype(), &stored, "{name}");
        let value = value::from_any(&column.get(0).unwrap()).unwrap();
        let expected = match value::parse(text, ty).unwrap() {
            Value::Json(text) => Value::Text(text),
            other => other,
        };
        assert_eq!(value, expected, "{name}");
        assert_eq!(column.null_count(), 1, "{name}");
    }
}

#[test]
fn later_duplicates_are_left_out_and_ordinals_stay_dense() {
    let sandbox = Sandbox::new();
    let ids: Vec<String> = (0..300).map(|number| (number * 2 / 3).to_string()).collect();
    let mut job = sandbox.job(Format::Lines, ids.join("\n").as_bytes());
    job.input.on_duplicate = OnDuplicate::First;
    let frozen = sandbox.plan(&job, &options());
    let lines = frozen.lines(&frozen.round);
    assert_eq!(numbers(&lines, "ordinal"), (0..200).collect::<Vec<i64>>());
    let expected: Vec<Option<String>> = (0..200).map(|number| Some(number.to_string())).collect();
    assert_eq!(texts(&lines, "id"), expected);
}

#[test]
fn a_trial_has_one_shard() {
    let sandbox = Sandbox::new();
    let ids: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
    let job = sandbox.job(Format::Lines, ids.join("\n").as_bytes());
    let frozen = sandbox.plan(&job, &PlanOptions { sample: Some(4), ..options() });
    assert!(frozen.plan.trial);
    assert_eq!((frozen.round.shards.len(), frozen.plan.records), (1, 4));
    let lines = frozen.lines(&frozen.round);
    assert_eq!(numbers(&lines, "ordinal"), [0, 1, 2, 3]);
    let sampled: Vec<String> = texts(&lines, "id").into_iter().flatten().collect();
    assert_eq!(sampled, ["0", "250", "500", "750"]);
}

#[test]
fn an_empty_list_makes_a_run_without_shards() {
    let sandbox = Sandbox::new();
    let mut job = sandbox.job(Format::Csv, b"id\n");
    job.input.allow_empty = true;
    let frozen = sandbox.plan(&job, &options());
    assert_eq!((frozen.plan.records, frozen.round.shards.len()), (0, 0));
}

#[test]
fn nothing_but_the_run_is_left_on_disk() {
    let sandbox = Sandbox::new();
    let ids: Vec<String> = (0..500).map(|number| number.to_string()).collect();
    let job = sandbox.job(Format::Lines, ids.join("\n").as_bytes());
    sandbox.plan(&job, &options());
    let names = |folder: &std::path::Path| {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names(sandbox.path()), ["list", "run"]);
    let run = [".made-by-windrow", "00000", "00001", "job.toml", "plan.json", "round-000.json"];
    assert_eq!(names(&sandbox.run_folder()), run);
}
