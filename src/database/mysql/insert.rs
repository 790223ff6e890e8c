//! Lines of LOAD DATA as INSERTs of many rows, for servers that take no LOCAL.

/// Bytes of a statement of several rows, at the most: below `max_allowed_packet` of any server.
const STATEMENT: usize = 1_000_000;

/// The statements that insert lines into a table. A line is whole.
pub(super) fn statements(into: &str, lines: &[u8]) -> Vec<Vec<u8>> {
    let begin = format!("INSERT INTO {into} VALUES ");
    let mut statements: Vec<Vec<u8>> = Vec::new();
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let row = row(line);
        match statements.last_mut().filter(|statement| statement.len() + row.len() < STATEMENT) {
            Some(statement) => statement.extend([b",", row.as_slice()].concat()),
            None => statements.push([begin.as_bytes(), row.as_slice()].concat()),
        }
    }
    statements
}

/// A line as `('a',NULL)`. What is escaped in it is so in a literal, too.
fn row(line: &[u8]) -> Vec<u8> {
    let mut row = Vec::with_capacity(line.len() + 16);
    let mut separator = b'(';
    for field in line.split(|byte| *byte == b'\t') {
        row.push(separator);
        separator = b',';
        if field == b"\\N" {
            row.extend_from_slice(b"NULL");
            continue;
        }
        row.push(b'\'');
        for byte in field {
            if *byte == b'\'' {
                row.push(b'\\');
            }
            row.push(*byte);
        }
        row.push(b'\'');
    }
    row.push(b')');
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_rows() {
        let statements = statements("`rows`", b"1\tit's\\ttabbed\\\\\n2\t\\N\n");
        let expected: &[u8] = br"INSERT INTO `rows` VALUES ('1','it\'s\ttabbed\\'),('2',NULL)";
        assert_eq!(statements, [expected]);
    }

    /// With a server that takes 1 MiB, as older ones do.
    #[test]
    fn what_is_escaped_counts() {
        let line = [vec![b'\''; 1000], b"\n".to_vec()].concat();
        let statements = statements("t", &line.repeat(2000));
        assert!(statements.iter().all(|statement| statement.len() < 1 << 20), "{}", statements[0].len());
        assert_eq!(statements.len(), 5);
    }

    #[test]
    fn statements_stay_small_and_no_line_is_lost() {
        let line = [vec![b'x'; 400_000], b"\n".to_vec()].concat();
        let statements = statements("t", &line.repeat(5));
        assert_eq!(statements.len(), 3);
        let rows = statements.iter().flatten().filter(|byte| **byte == b')').count();
        assert_eq!(rows, 5);
    }
}
