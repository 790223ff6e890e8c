//! Lines of LOAD DATA as INSERTs of many rows, for servers that take no LOCAL.

/// Bytes of a statement, about: well below `max_allowed_packet` of any server.
const STATEMENT: usize = 1 << 20;

/// The statements that insert lines into a table. A line is whole.
pub(super) fn statements(into: &str, lines: &[u8]) -> Vec<Vec<u8>> {
    let begin = format!("INSERT INTO {into} VALUES ");
    let mut statements: Vec<Vec<u8>> = Vec::new();
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        match statements.last_mut().filter(|statement| statement.len() + line.len() < STATEMENT) {
            Some(statement) => statement.push(b','),
            None => statements.push(begin.clone().into_bytes()),
        }
        if let Some(statement) = statements.last_mut() {
            add_row(statement, line);
        }
    }
    statements
}

/// Appends a line as `('a',NULL)`. What is escaped in it is so in a literal, too.
fn add_row(statement: &mut Vec<u8>, line: &[u8]) {
    let mut separator = b'(';
    for field in line.split(|byte| *byte == b'\t') {
        statement.push(separator);
        separator = b',';
        if field == b"\\N" {
            statement.extend_from_slice(b"NULL");
            continue;
        }
        statement.push(b'\'');
        for byte in field {
            if *byte == b'\'' {
                statement.push(b'\\');
            }
            statement.push(*byte);
        }
        statement.push(b'\'');
    }
    statement.push(b')');
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

    #[test]
    fn statements_stay_small_and_no_line_is_lost() {
        let line = [vec![b'x'; 400_000], b"\n".to_vec()].concat();
        let statements = statements("t", &line.repeat(5));
        assert_eq!(statements.len(), 3);
        let rows = statements.iter().flatten().filter(|byte| **byte == b')').count();
        assert_eq!(rows, 5);
    }
}
