//! What the manual page says of the formats that `--from` names.

/// The formats, their fields, and an example of each.
pub const FORMATS: &str = "\
Formats:
The tools that read records have --from: produce, filter, map, window, aggregate and inspect. Every format
makes JSON objects, a record on each line; ndjson is passed on as it is. Files may be compressed.
A line that does not fit the format is bad input: it ends the tool with status 65 and is named
with its place; --rejects FILE stores it and continues; --keep-bad FIELD makes a record of it,
with the line in FIELD.

  filter true --from json events.json
      JSON in any layout: values that follow each other, or span several lines. An array gives its
      items.
  map '{carrier, dep_delay}' --from csv flights.csv.gz
      csv and tsv: the first row names the fields. Each file has its own. See --types, --null,
      --delimiter, --quote, --no-header and --columns. In tsv, \\t, \\n, \\r and \\\\ are undone, and \\N
      is null, as databases and map --tsv write them; not with --quote '\"'.
  aggregate --from logfmt --by .level count app.log
      logfmt: key=value pairs, also key=\"a value\". A key alone is true. A key that occurs
      more than once has an array of its values.
  aggregate --from combined --by .path count --top 10:count access.log
      combined and common: host, ident, user, time, method, path, protocol, status, bytes; with
      combined also referer and user_agent. path has the query. A request that is not HTTP is in
      request, and method, path and protocol are null. extra is an array of what the server writes
      after that. - is null. Escapes like \\x22 and \\\" are resolved.
  filter '.severity <= 3' --from syslog /var/log/syslog
      syslog: time, hostname, app_name, procid, msg; with a priority also facility and severity, as
      numbers; of RFC 5424 also msgid and structured_data, an object of objects, in which a name
      that occurs more than once has an array; of devices of Cisco also sequence. What is sent with
      a priority may lack the host and the time; these are null. See --year and --tz.
  journalctl -o json -f | aggregate --from journal --tumbling 1m --by ._SYSTEMD_UNIT count
      journal: the fields of systemd.journal-fields(7) as they are, after time, which is
      __REALTIME_TIMESTAMP.
  filter '.line | test(\"panic\")' --from lines --multiline '^\\S' app.log
      lines: line, the text. With --multiline, here each line that does not begin with white space
      begins a record.
  map . --from regex '^(?<client>\\S+) (?<ms>\\d+)$' app.log
      regex: a field for each named group. It need not match the whole line; ^ and $ do that. With
      --multiline, (?s) lets . match line ends.
  aggregate --from pattern '* [*] *' client,level,text --by .level count app.log
      pattern: a field for each *, which takes all up to the text after it; the last one takes the
      rest of the line. A part with the name _ is left out. \\* is a star.

  filter -c true --from auto FILE
      auto: one of these, except lines, regex and pattern, by the first 200 lines. A message says
      which one; if that is not clear, the tool ends with status 2.

The field time is RFC 3339, and is the default of --time for window and aggregate.";
