//! Columns without lines around them.

use std::io::{self, Write};

use console::{measure_text_width, truncate_str};

/// Aligned columns; the first line is the header.
pub fn columns(out: &mut dyn Write, lines: &[Vec<String>]) -> io::Result<()> {
    columns_within(out, lines, None)
}

/// The same, each line cut to a width.
pub fn columns_within(out: &mut dyn Write, lines: &[Vec<String>], width: Option<usize>) -> io::Result<()> {
    let widest = |at: usize| lines.iter().map(|line| measure_text_width(&line[at])).max().unwrap_or(0);
    let widths: Vec<usize> = (0..lines.first().map_or(0, Vec::len)).map(widest).collect();
    for line in lines {
        let cells = line.iter().zip(&widths).map(|(cell, &width)| {
            let space = " ".repeat(width.saturating_sub(measure_text_width(cell)));
            if is_figure(cell) { format!("{space}{cell}") } else { format!("{cell}{space}") }
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        let line = line.trim_end();
        writeln!(out, "{}", width.map_or(line.into(), |width| truncate_str(line, width, "…")))?;
    }
    Ok(())
}

fn is_figure(cell: &str) -> bool {
    cell.starts_with(|c: char| c.is_ascii_digit())
        && cell.chars().all(|c| c.is_ascii_digit() || c == ',' || c == '/')
}
