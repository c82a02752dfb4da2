# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_log_admin_global_optspecs
    string join \n data= json h/help V/version
end

function __fish_log_admin_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_log_admin_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_log_admin_using_subcommand
    set -l cmd (__fish_log_admin_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c log-admin -n "__fish_log_admin_needs_command" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c log-admin -n "__fish_log_admin_needs_command" -l json -d 'Print JSON, an object a line'
complete -c log-admin -n "__fish_log_admin_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c log-admin -n "__fish_log_admin_needs_command" -s V -l version -d 'Print version'
complete -c log-admin -n "__fish_log_admin_needs_command" -f -a "create" -d 'Make a topic; one that is there already just so is fine'
complete -c log-admin -n "__fish_log_admin_needs_command" -f -a "alter" -d 'Change a topic\'s settings; "default" takes one back to its default'
complete -c log-admin -n "__fish_log_admin_needs_command" -f -a "delete" -d 'Remove a topic with all its records'
complete -c log-admin -n "__fish_log_admin_needs_command" -f -a "trim" -d 'Remove the segments in which all records lie before a place'
complete -c log-admin -n "__fish_log_admin_needs_command" -f -a "compact" -d 'Keep only the last record of each key, at once; tells what was removed'
complete -c log-admin -n "__fish_log_admin_needs_command" -f -a "list" -d 'List the topics'
complete -c log-admin -n "__fish_log_admin_needs_command" -f -a "describe" -d 'Tell what the partitions of topics hold'
complete -c log-admin -n "__fish_log_admin_needs_command" -f -a "groups" -d 'Tell who reads what, and how far: members, committed offsets, and how many records are left'
complete -c log-admin -n "__fish_log_admin_needs_command" -f -a "reset" -d 'Set where a group without members goes on'
complete -c log-admin -n "__fish_log_admin_needs_command" -f -a "stats" -d 'Tell how the log is doing: sizes, ends and lag; of log-serve also what it did and what it takes'
complete -c log-admin -n "__fish_log_admin_needs_command" -f -a "verify" -d 'Check every entry, checksum and line; exit status 1 if something is damaged'
complete -c log-admin -n "__fish_log_admin_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l partitions -d 'How many partitions it has' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l key -d 'A jq expression: records for which it has the same value go to the same partition' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l fsync -d 'Acknowledge records when they are on the disk (always, the default), at most a DURATION before that, or whenever (never)' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l retention -d 'Remove records that were appended longer ago than DURATION, by whole segments' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l retention-bytes -d 'Remove the oldest segments of a partition that has more than SIZE without them' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l segment-bytes -d 'Begin a new segment when one has SIZE of records [default: 256MiB]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l segment-age -d 'Begin a new segment when the oldest record of one is older than DURATION' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l max-record -d 'Refuse records longer than SIZE [default: 16MiB]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l compact -d 'Of records with the same key keep only the last one, in segments that are closed; --compact=default takes that back' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l tombstone -d 'With --compact: a jq expression; a record for which it is true removes its key, itself included' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l tombstone-age -d 'Remove such a record DURATION after the earlier ones of its key [default: 1d]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l readers -d 'Let only these read: users, and groups as :GROUP, with commas between them' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l writers -d 'Let only these append: users, and groups as :GROUP, with commas between them' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l json -d 'Print JSON, an object a line'
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -s h -l help -d 'Print help'
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l partitions -d 'Add partitions, so that it has N' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l fsync -d 'Acknowledge records when they are on the disk (always, the default), at most a DURATION before that, or whenever (never)' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l retention -d 'Remove records that were appended longer ago than DURATION, by whole segments' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l retention-bytes -d 'Remove the oldest segments of a partition that has more than SIZE without them' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l segment-bytes -d 'Begin a new segment when one has SIZE of records [default: 256MiB]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l segment-age -d 'Begin a new segment when the oldest record of one is older than DURATION' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l max-record -d 'Refuse records longer than SIZE [default: 16MiB]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l compact -d 'Of records with the same key keep only the last one, in segments that are closed; --compact=default takes that back' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l tombstone -d 'With --compact: a jq expression; a record for which it is true removes its key, itself included' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l tombstone-age -d 'Remove such a record DURATION after the earlier ones of its key [default: 1d]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l readers -d 'Let only these read: users, and groups as :GROUP, with commas between them' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l writers -d 'Let only these append: users, and groups as :GROUP, with commas between them' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l force -d 'Add partitions also to a topic with a key, whose records then change theirs'
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l json -d 'Print JSON, an object a line'
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -s h -l help -d 'Print help'
complete -c log-admin -n "__fish_log_admin_using_subcommand delete" -l json -d 'Print JSON, an object a line'
complete -c log-admin -n "__fish_log_admin_using_subcommand delete" -s h -l help -d 'Print help'
complete -c log-admin -n "__fish_log_admin_using_subcommand trim" -l before -d 'An offset, a time, -7d for a week ago, or end for all' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand trim" -l partition -d 'Only in partition N' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand trim" -l json -d 'Print JSON, an object a line'
complete -c log-admin -n "__fish_log_admin_using_subcommand trim" -s h -l help -d 'Print help'
complete -c log-admin -n "__fish_log_admin_using_subcommand compact" -l close -d 'Close the active segments first, so that their records are compacted, too'
complete -c log-admin -n "__fish_log_admin_using_subcommand compact" -l json -d 'Print JSON, an object a line'
complete -c log-admin -n "__fish_log_admin_using_subcommand compact" -s h -l help -d 'Print help'
complete -c log-admin -n "__fish_log_admin_using_subcommand list" -l json -d 'Print JSON, an object a line'
complete -c log-admin -n "__fish_log_admin_using_subcommand list" -s h -l help -d 'Print help'
complete -c log-admin -n "__fish_log_admin_using_subcommand describe" -l json -d 'Print JSON, an object a line'
complete -c log-admin -n "__fish_log_admin_using_subcommand describe" -s h -l help -d 'Print help'
complete -c log-admin -n "__fish_log_admin_using_subcommand groups" -l json -d 'Print JSON, an object a line'
complete -c log-admin -n "__fish_log_admin_using_subcommand groups" -s h -l help -d 'Print help'
complete -c log-admin -n "__fish_log_admin_using_subcommand reset" -l to -d 'Where it goes on: \'start\', \'end\', an offset, a time of appending, or how long ago, like -1h' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand reset" -l partition -d 'Only in this partition; may be repeated' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand reset" -l dry-run -d 'Only tell what would be done'
complete -c log-admin -n "__fish_log_admin_using_subcommand reset" -l json -d 'Print JSON, an object a line'
complete -c log-admin -n "__fish_log_admin_using_subcommand reset" -s h -l help -d 'Print help'
complete -c log-admin -n "__fish_log_admin_using_subcommand stats" -s o -l output -d 'Write to FILE, which is replaced as a whole' -r -F
complete -c log-admin -n "__fish_log_admin_using_subcommand stats" -l prometheus -d 'Print what Prometheus reads, as for node_exporter\'s textfile collector'
complete -c log-admin -n "__fish_log_admin_using_subcommand stats" -l json -d 'Print JSON, an object a line'
complete -c log-admin -n "__fish_log_admin_using_subcommand stats" -s h -l help -d 'Print help'
complete -c log-admin -n "__fish_log_admin_using_subcommand verify" -l repair -d 'Make damaged topics usable again, and tell what of them is lost; exit status 1 all the same'
complete -c log-admin -n "__fish_log_admin_using_subcommand verify" -l dry-run -d 'With --repair: tell what it would do, and change nothing'
complete -c log-admin -n "__fish_log_admin_using_subcommand verify" -l json -d 'Print JSON, an object a line'
complete -c log-admin -n "__fish_log_admin_using_subcommand verify" -s h -l help -d 'Print help'
complete -c log-admin -n "__fish_log_admin_using_subcommand help; and not __fish_seen_subcommand_from create alter delete trim compact list describe groups reset stats verify help" -f -a "create" -d 'Make a topic; one that is there already just so is fine'
complete -c log-admin -n "__fish_log_admin_using_subcommand help; and not __fish_seen_subcommand_from create alter delete trim compact list describe groups reset stats verify help" -f -a "alter" -d 'Change a topic\'s settings; "default" takes one back to its default'
complete -c log-admin -n "__fish_log_admin_using_subcommand help; and not __fish_seen_subcommand_from create alter delete trim compact list describe groups reset stats verify help" -f -a "delete" -d 'Remove a topic with all its records'
complete -c log-admin -n "__fish_log_admin_using_subcommand help; and not __fish_seen_subcommand_from create alter delete trim compact list describe groups reset stats verify help" -f -a "trim" -d 'Remove the segments in which all records lie before a place'
complete -c log-admin -n "__fish_log_admin_using_subcommand help; and not __fish_seen_subcommand_from create alter delete trim compact list describe groups reset stats verify help" -f -a "compact" -d 'Keep only the last record of each key, at once; tells what was removed'
complete -c log-admin -n "__fish_log_admin_using_subcommand help; and not __fish_seen_subcommand_from create alter delete trim compact list describe groups reset stats verify help" -f -a "list" -d 'List the topics'
complete -c log-admin -n "__fish_log_admin_using_subcommand help; and not __fish_seen_subcommand_from create alter delete trim compact list describe groups reset stats verify help" -f -a "describe" -d 'Tell what the partitions of topics hold'
complete -c log-admin -n "__fish_log_admin_using_subcommand help; and not __fish_seen_subcommand_from create alter delete trim compact list describe groups reset stats verify help" -f -a "groups" -d 'Tell who reads what, and how far: members, committed offsets, and how many records are left'
complete -c log-admin -n "__fish_log_admin_using_subcommand help; and not __fish_seen_subcommand_from create alter delete trim compact list describe groups reset stats verify help" -f -a "reset" -d 'Set where a group without members goes on'
complete -c log-admin -n "__fish_log_admin_using_subcommand help; and not __fish_seen_subcommand_from create alter delete trim compact list describe groups reset stats verify help" -f -a "stats" -d 'Tell how the log is doing: sizes, ends and lag; of log-serve also what it did and what it takes'
complete -c log-admin -n "__fish_log_admin_using_subcommand help; and not __fish_seen_subcommand_from create alter delete trim compact list describe groups reset stats verify help" -f -a "verify" -d 'Check every entry, checksum and line; exit status 1 if something is damaged'
complete -c log-admin -n "__fish_log_admin_using_subcommand help; and not __fish_seen_subcommand_from create alter delete trim compact list describe groups reset stats verify help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
