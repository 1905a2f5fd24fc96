# bash completion for anyt. Generated from the command table by make docs; do not edit.

# Sets commands, flags, valued (flags that take a value) and known (what its arguments name) for the command in path.
_anyt_words() {
    case "$path" in
        'anyt')
            commands='sync task next summary board log undo active comment attempt artifact init workspace project label member login env auth config health doctor help completion man version'
            flags='--env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt sync')
            commands='status log queue conflicts resolve restore'
            flags='--pull --push --full --force --yes --dry-run --wait --no-merge --resolve --all-environments --accept-deletes --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --wait --resolve --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt sync status')
            commands=''
            flags='--max-age --max-pending --offline --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --max-age --max-pending --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt sync log')
            commands=''
            flags='--limit --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --limit -n --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt sync queue')
            commands='show retry drop'
            flags='--json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt sync queue show')
            commands=''
            flags='--json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known='operations'
            ;;
        'anyt sync queue retry')
            commands=''
            flags='--all --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known='operations'
            ;;
        'anyt sync queue drop')
            commands=''
            flags='--all --force --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known='operations'
            ;;
        'anyt sync conflicts')
            commands=''
            flags='--json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt sync resolve')
            commands=''
            flags='--local --remote --edit --all --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known='conflicts'
            ;;
        'anyt sync restore')
            commands=''
            flags='--last --list --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt task')
            commands='create update edit list show open done rm note dep plan pick unpick'
            flags='--env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt task create')
            commands=''
            flags='--description --file --project --priority --status --owner --labels --phase --estimate --parent --plan --offline --no-queue --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --description -d --file -F --project --priority -p --status --owner --labels --phase --estimate --parent --plan --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt task update')
            commands=''
            flags='--where --force --file --title --description --project --priority --status --owner --labels --add-labels --remove-labels --phase --estimate --parent --plan --if-match --offline --no-queue --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --where --file -F --title --description -d --project --priority -p --status --owner --labels --add-labels --remove-labels --phase --estimate --parent --plan --if-match --fields --env --api-url --workspace -w --color --ca-file '
            known='tasks'
            ;;
        'anyt task edit')
            commands=''
            flags='--where --force --file --title --description --project --priority --status --owner --labels --add-labels --remove-labels --phase --estimate --parent --plan --if-match --offline --no-queue --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --where --file -F --title --description -d --project --priority -p --status --owner --labels --add-labels --remove-labels --phase --estimate --parent --plan --if-match --fields --env --api-url --workspace -w --color --ca-file '
            known='tasks'
            ;;
        'anyt task list')
            commands=''
            flags='--status --priority --owner --mine --labels --project --all --phase --parent --search --ready --blocked --unassigned --updated-since --pending --sort --order --limit --offset --columns --no-header --csv --remote --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --status --priority -p --owner --labels --project --phase --parent --search --updated-since --sort --order --limit --offset --columns --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt task show')
            commands=''
            flags='--comments --remote --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known='tasks'
            ;;
        'anyt task open')
            commands=''
            flags='--print --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known='tasks'
            ;;
        'anyt task done')
            commands=''
            flags='--where --force --note --offline --no-queue --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --where --note -n --fields --env --api-url --workspace -w --color --ca-file '
            known='tasks'
            ;;
        'anyt task rm')
            commands=''
            flags='--where --force --offline --no-queue --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --where --fields --env --api-url --workspace -w --color --ca-file '
            known='tasks'
            ;;
        'anyt task note')
            commands=''
            flags='--message --offline --no-queue --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --message -m --fields --env --api-url --workspace -w --color --ca-file '
            known='tasks'
            ;;
        'anyt task dep')
            commands='add rm list'
            flags='--env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt task dep add')
            commands=''
            flags='--on --offline --no-queue --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --on --fields --env --api-url --workspace -w --color --ca-file '
            known='tasks'
            ;;
        'anyt task dep rm')
            commands=''
            flags='--on --offline --no-queue --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --on --fields --env --api-url --workspace -w --color --ca-file '
            known='tasks'
            ;;
        'anyt task dep list')
            commands=''
            flags='--json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known='tasks'
            ;;
        'anyt task plan')
            commands='submit approve request-changes'
            flags='--env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt task plan submit')
            commands=''
            flags='--plan --offline --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --plan --fields --env --api-url --workspace -w --color --ca-file '
            known='tasks'
            ;;
        'anyt task plan approve')
            commands=''
            flags='--feedback --offline --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --feedback --fields --env --api-url --workspace -w --color --ca-file '
            known='tasks'
            ;;
        'anyt task plan request-changes')
            commands=''
            flags='--feedback --offline --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --feedback --fields --env --api-url --workspace -w --color --ca-file '
            known='tasks'
            ;;
        'anyt task pick')
            commands=''
            flags='--offline --no-queue --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known='tasks'
            ;;
        'anyt task unpick')
            commands=''
            flags='--json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt next')
            commands=''
            flags='--limit --owner --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --limit -n --owner --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt summary')
            commands=''
            flags='--limit --owner --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --limit -n --owner --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt board')
            commands=''
            flags='--limit --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --limit -n --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt log')
            commands=''
            flags='--limit --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --limit -n --fields --env --api-url --workspace -w --color --ca-file '
            known='tasks'
            ;;
        'anyt undo')
            commands=''
            flags='--force --offline --no-queue --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known='log'
            ;;
        'anyt active')
            commands=''
            flags='--json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt comment')
            commands='add list edit rm'
            flags='--env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt comment add')
            commands=''
            flags='--message --offline --no-queue --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --message -m --fields --env --api-url --workspace -w --color --ca-file '
            known='tasks'
            ;;
        'anyt comment list')
            commands=''
            flags='--remote --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known='tasks'
            ;;
        'anyt comment edit')
            commands=''
            flags='--message --offline --no-queue --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --message -m --fields --env --api-url --workspace -w --color --ca-file '
            known='tasks'
            ;;
        'anyt comment rm')
            commands=''
            flags='--force --offline --no-queue --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known='tasks'
            ;;
        'anyt attempt')
            commands='run start finish list show'
            flags='--env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt attempt run')
            commands=''
            flags='--notes --agent --failure --no-log --offline --no-queue --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --notes --agent --failure --fields --env --api-url --workspace -w --color --ca-file '
            known='tasks'
            ;;
        'anyt attempt start')
            commands=''
            flags='--notes --agent --offline --no-queue --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --notes --agent --fields --env --api-url --workspace -w --color --ca-file '
            known='tasks'
            ;;
        'anyt attempt finish')
            commands=''
            flags='--status --failure --message --cost-tokens --wall-clock-ms --notes --offline --no-queue --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --status --failure --message -m --cost-tokens --wall-clock-ms --notes --fields --env --api-url --workspace -w --color --ca-file '
            known='tasks'
            ;;
        'anyt attempt list')
            commands=''
            flags='--remote --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known='tasks'
            ;;
        'anyt attempt show')
            commands=''
            flags='--json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known='tasks'
            ;;
        'anyt artifact')
            commands='add list show get'
            flags='--env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt artifact add')
            commands=''
            flags='--type --name --mime-type --offline --no-queue --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --type --name --mime-type --fields --env --api-url --workspace -w --color --ca-file '
            known='tasks'
            ;;
        'anyt artifact list')
            commands=''
            flags='--remote --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known='tasks'
            ;;
        'anyt artifact show')
            commands=''
            flags='--json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt artifact get')
            commands=''
            flags='--output --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --output -o --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt init')
            commands=''
            flags='--dir --identifier --project --yes --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --dir -d --identifier -i --project --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt workspace')
            commands='list show create use current switch'
            flags='--env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt workspace list')
            commands=''
            flags='--json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt workspace show')
            commands=''
            flags='--json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known='workspaces'
            ;;
        'anyt workspace create')
            commands=''
            flags='--identifier --description --offline --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --identifier -i --description -d --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt workspace use')
            commands=''
            flags='--env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --env --api-url --workspace -w --color --ca-file '
            known='workspaces'
            ;;
        'anyt workspace current')
            commands=''
            flags='--json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt workspace switch')
            commands=''
            flags='--env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --env --api-url --workspace -w --color --ca-file '
            known='workspaces'
            ;;
        'anyt project')
            commands='list show use current create update rm'
            flags='--env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt project list')
            commands=''
            flags='--json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt project show')
            commands=''
            flags='--json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known='projects'
            ;;
        'anyt project use')
            commands=''
            flags='--env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --env --api-url --workspace -w --color --ca-file '
            known='projects'
            ;;
        'anyt project current')
            commands=''
            flags='--json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt project create')
            commands=''
            flags='--name --description --status --lead --start --target --color-code --offline --no-queue --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --name -n --description -d --status --lead --start --target --color-code --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt project update')
            commands=''
            flags='--name --description --status --lead --start --target --color-code --offline --no-queue --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --name -n --description -d --status --lead --start --target --color-code --fields --env --api-url --workspace -w --color --ca-file '
            known='projects'
            ;;
        'anyt project rm')
            commands=''
            flags='--force --offline --no-queue --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known='projects'
            ;;
        'anyt label')
            commands='list create update rm'
            flags='--env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt label list')
            commands=''
            flags='--json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt label create')
            commands=''
            flags='--name --color-code --description --offline --no-queue --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --name -n --color-code --description -d --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt label update')
            commands=''
            flags='--name --color-code --description --offline --no-queue --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --name -n --color-code --description -d --fields --env --api-url --workspace -w --color --ca-file '
            known='labels'
            ;;
        'anyt label rm')
            commands=''
            flags='--force --offline --no-queue --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known='labels'
            ;;
        'anyt member')
            commands='list'
            flags='--env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt member list')
            commands=''
            flags='--json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt login')
            commands=''
            flags='--token-file --agent-key --store --offline --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --token-file --store --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt env')
            commands='list add switch show remove'
            flags='--env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt env list')
            commands=''
            flags='--json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt env add')
            commands=''
            flags='--active --force --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --env --api-url --workspace -w --color --ca-file '
            known='environments'
            ;;
        'anyt env switch')
            commands=''
            flags='--env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --env --api-url --workspace -w --color --ca-file '
            known='environments'
            ;;
        'anyt env show')
            commands=''
            flags='--json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known='environments'
            ;;
        'anyt env remove')
            commands=''
            flags='--force --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --env --api-url --workspace -w --color --ca-file '
            known='environments'
            ;;
        'anyt auth')
            commands='login logout whoami status'
            flags='--env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt auth login')
            commands=''
            flags='--token-file --agent-key --offline --store --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --token-file --store --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt auth logout')
            commands=''
            flags='--all --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt auth whoami')
            commands=''
            flags='--json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt auth status')
            commands=''
            flags='--json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt config')
            commands='list get set unset'
            flags='--env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt config list')
            commands=''
            flags='--json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt config get')
            commands=''
            flags='--json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt config set')
            commands=''
            flags='--json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt config unset')
            commands=''
            flags='--json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt health')
            commands=''
            flags='--json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt doctor')
            commands=''
            flags='--offline --all-environments --json --fields --jsonl --env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --fields --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt help')
            commands=''
            flags='--env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt completion')
            commands=''
            flags='--env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt man')
            commands=''
            flags='--env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
        'anyt version')
            commands=''
            flags='--env --api-url --workspace --quiet --verbose --no-input --color --no-pager --allow-insecure-http --ca-file --no-cache --help --version'
            valued=' --env --api-url --workspace -w --color --ca-file '
            known=''
            ;;
    esac
}

# Offers the values of the flag in prev; fails when it takes none.
_anyt_value() {
    case "$valued" in
        *" $prev "*) ;;
        *) return 1 ;;
    esac
    case "$path $prev" in
        'anyt sync'' --resolve') COMPREPLY=($(compgen -W 'local remote skip' -- "$cur")) ;;
        'anyt task create'' --file' | 'anyt task create'' -F') COMPREPLY=($(compgen -f -- "$cur")) ;;
        'anyt task create'' --project') _anyt_known projects ;;
        'anyt task create'' --priority' | 'anyt task create'' -p') COMPREPLY=($(compgen -W '-2 -1 0 1 2' -- "$cur")) ;;
        'anyt task create'' --status') COMPREPLY=($(compgen -W 'backlog todo active blocked done canceled archived' -- "$cur")) ;;
        'anyt task create'' --owner') _anyt_known owners ;;
        'anyt task create'' --labels') _anyt_known labels list ;;
        'anyt task create'' --parent') _anyt_known tasks ;;
        'anyt task update'' --file' | 'anyt task update'' -F') COMPREPLY=($(compgen -f -- "$cur")) ;;
        'anyt task update'' --project') _anyt_known projects ;;
        'anyt task update'' --priority' | 'anyt task update'' -p') COMPREPLY=($(compgen -W '-2 -1 0 1 2' -- "$cur")) ;;
        'anyt task update'' --status') COMPREPLY=($(compgen -W 'backlog todo active blocked done canceled archived' -- "$cur")) ;;
        'anyt task update'' --owner') _anyt_known owners ;;
        'anyt task update'' --labels') _anyt_known labels list ;;
        'anyt task update'' --add-labels') _anyt_known labels list ;;
        'anyt task update'' --remove-labels') _anyt_known labels list ;;
        'anyt task update'' --parent') _anyt_known tasks ;;
        'anyt task edit'' --file' | 'anyt task edit'' -F') COMPREPLY=($(compgen -f -- "$cur")) ;;
        'anyt task edit'' --project') _anyt_known projects ;;
        'anyt task edit'' --priority' | 'anyt task edit'' -p') COMPREPLY=($(compgen -W '-2 -1 0 1 2' -- "$cur")) ;;
        'anyt task edit'' --status') COMPREPLY=($(compgen -W 'backlog todo active blocked done canceled archived' -- "$cur")) ;;
        'anyt task edit'' --owner') _anyt_known owners ;;
        'anyt task edit'' --labels') _anyt_known labels list ;;
        'anyt task edit'' --add-labels') _anyt_known labels list ;;
        'anyt task edit'' --remove-labels') _anyt_known labels list ;;
        'anyt task edit'' --parent') _anyt_known tasks ;;
        'anyt task list'' --status') _anyt_list 'backlog todo active blocked done canceled archived' ;;
        'anyt task list'' --priority' | 'anyt task list'' -p') COMPREPLY=($(compgen -W '-2 -1 0 1 2' -- "$cur")) ;;
        'anyt task list'' --owner') _anyt_known owners ;;
        'anyt task list'' --labels') _anyt_known labels list ;;
        'anyt task list'' --project') _anyt_known projects ;;
        'anyt task list'' --parent') _anyt_known tasks ;;
        'anyt task list'' --sort') COMPREPLY=($(compgen -W 'priority updated_at created_at status identifier title' -- "$cur")) ;;
        'anyt task list'' --order') COMPREPLY=($(compgen -W 'asc desc' -- "$cur")) ;;
        'anyt task dep add'' --on') _anyt_known tasks list ;;
        'anyt task dep rm'' --on') _anyt_known tasks list ;;
        'anyt next'' --owner') _anyt_known owners ;;
        'anyt summary'' --owner') _anyt_known owners ;;
        'anyt attempt run'' --agent') COMPREPLY=($(compgen -W 'claude_code codex gemini_cli cursor' -- "$cur")) ;;
        'anyt attempt run'' --failure') COMPREPLY=($(compgen -W 'test_fail tool_error context_limit rate_limit permission timeout unknown' -- "$cur")) ;;
        'anyt attempt start'' --agent') COMPREPLY=($(compgen -W 'claude_code codex gemini_cli cursor' -- "$cur")) ;;
        'anyt attempt finish'' --status') COMPREPLY=($(compgen -W 'success failed aborted' -- "$cur")) ;;
        'anyt attempt finish'' --failure') COMPREPLY=($(compgen -W 'test_fail tool_error context_limit rate_limit permission timeout unknown' -- "$cur")) ;;
        'anyt artifact get'' --output' | 'anyt artifact get'' -o') COMPREPLY=($(compgen -f -- "$cur")) ;;
        'anyt init'' --dir' | 'anyt init'' -d') COMPREPLY=($(compgen -d -- "$cur")) ;;
        'anyt project create'' --status') COMPREPLY=($(compgen -W 'active paused completed canceled' -- "$cur")) ;;
        'anyt project update'' --status') COMPREPLY=($(compgen -W 'active paused completed canceled' -- "$cur")) ;;
        'anyt login'' --token-file') COMPREPLY=($(compgen -f -- "$cur")) ;;
        'anyt login'' --store') COMPREPLY=($(compgen -W 'keyring file' -- "$cur")) ;;
        'anyt auth login'' --token-file') COMPREPLY=($(compgen -f -- "$cur")) ;;
        'anyt auth login'' --store') COMPREPLY=($(compgen -W 'keyring file' -- "$cur")) ;;
        *' --env') _anyt_known environments ;;
        *' --workspace' | *' -w') _anyt_known workspaces ;;
        *' --color') COMPREPLY=($(compgen -W 'auto always never' -- "$cur")) ;;
        *' --ca-file') COMPREPLY=($(compgen -f -- "$cur")) ;;
    esac
}

# Completes the last part of a list separated by commas.
_anyt_list() {
    local before=''
    case "$cur" in
        *,*) before="${cur%,*}," ;;
    esac
    COMPREPLY=($(compgen -P "$before" -W "$1" -- "${cur##*,}"))
}

# Offers the names that anyt knows. They come from a server: they are quoted, and never evaluated.
_anyt_known() {
    local before='' part="$cur" word
    if [ "$2" = list ]; then
        case "$cur" in
            *,*) before="${cur%,*}," part="${cur##*,}" ;;
        esac
    fi
    while IFS=$'\t' read -r word _; do
        COMPREPLY+=("$before$(printf '%q' "$word")")
    done < <(anyt complete "$1" "$part" 2>/dev/null </dev/null)
}

_anyt() {
    local cur prev path='anyt' commands='' flags='' valued='' known='' index word
    COMPREPLY=()
    _anyt_words
    # Which command is it? Values of flags are no commands; bash makes words of its own of '='.
    for ((index = 1; index < COMP_CWORD; index++)); do
        word="${COMP_WORDS[index]}"
        case "$valued" in
            *" $word "*)
                index=$((index + 1))
                if [ "${COMP_WORDS[index]}" = '=' ]; then index=$((index + 1)); fi
                continue
                ;;
        esac
        case "$path $word" in
            'anyt sync') path='anyt sync' ;;
            'anyt sync status') path='anyt sync status' ;;
            'anyt sync log') path='anyt sync log' ;;
            'anyt sync queue') path='anyt sync queue' ;;
            'anyt sync queue show') path='anyt sync queue show' ;;
            'anyt sync queue retry') path='anyt sync queue retry' ;;
            'anyt sync queue drop') path='anyt sync queue drop' ;;
            'anyt sync conflicts') path='anyt sync conflicts' ;;
            'anyt sync resolve') path='anyt sync resolve' ;;
            'anyt sync restore') path='anyt sync restore' ;;
            'anyt task') path='anyt task' ;;
            'anyt task create' | 'anyt task add') path='anyt task create' ;;
            'anyt task update') path='anyt task update' ;;
            'anyt task edit') path='anyt task edit' ;;
            'anyt task list' | 'anyt task ls') path='anyt task list' ;;
            'anyt task show') path='anyt task show' ;;
            'anyt task open') path='anyt task open' ;;
            'anyt task done') path='anyt task done' ;;
            'anyt task rm' | 'anyt task delete') path='anyt task rm' ;;
            'anyt task note') path='anyt task note' ;;
            'anyt task dep') path='anyt task dep' ;;
            'anyt task dep add') path='anyt task dep add' ;;
            'anyt task dep rm') path='anyt task dep rm' ;;
            'anyt task dep list' | 'anyt task dep ls') path='anyt task dep list' ;;
            'anyt task plan') path='anyt task plan' ;;
            'anyt task plan submit') path='anyt task plan submit' ;;
            'anyt task plan approve') path='anyt task plan approve' ;;
            'anyt task plan request-changes') path='anyt task plan request-changes' ;;
            'anyt task pick') path='anyt task pick' ;;
            'anyt task unpick') path='anyt task unpick' ;;
            'anyt next') path='anyt next' ;;
            'anyt summary') path='anyt summary' ;;
            'anyt board') path='anyt board' ;;
            'anyt log') path='anyt log' ;;
            'anyt undo') path='anyt undo' ;;
            'anyt active') path='anyt active' ;;
            'anyt comment') path='anyt comment' ;;
            'anyt comment add') path='anyt comment add' ;;
            'anyt comment list' | 'anyt comment ls') path='anyt comment list' ;;
            'anyt comment edit') path='anyt comment edit' ;;
            'anyt comment rm' | 'anyt comment delete') path='anyt comment rm' ;;
            'anyt attempt') path='anyt attempt' ;;
            'anyt attempt run') path='anyt attempt run' ;;
            'anyt attempt start') path='anyt attempt start' ;;
            'anyt attempt finish') path='anyt attempt finish' ;;
            'anyt attempt list' | 'anyt attempt ls') path='anyt attempt list' ;;
            'anyt attempt show') path='anyt attempt show' ;;
            'anyt artifact') path='anyt artifact' ;;
            'anyt artifact add') path='anyt artifact add' ;;
            'anyt artifact list' | 'anyt artifact ls') path='anyt artifact list' ;;
            'anyt artifact show') path='anyt artifact show' ;;
            'anyt artifact get' | 'anyt artifact download') path='anyt artifact get' ;;
            'anyt init') path='anyt init' ;;
            'anyt workspace' | 'anyt ws') path='anyt workspace' ;;
            'anyt workspace list' | 'anyt workspace ls') path='anyt workspace list' ;;
            'anyt workspace show') path='anyt workspace show' ;;
            'anyt workspace create') path='anyt workspace create' ;;
            'anyt workspace use') path='anyt workspace use' ;;
            'anyt workspace current') path='anyt workspace current' ;;
            'anyt workspace switch') path='anyt workspace switch' ;;
            'anyt project') path='anyt project' ;;
            'anyt project list' | 'anyt project ls') path='anyt project list' ;;
            'anyt project show') path='anyt project show' ;;
            'anyt project use') path='anyt project use' ;;
            'anyt project current') path='anyt project current' ;;
            'anyt project create') path='anyt project create' ;;
            'anyt project update' | 'anyt project edit') path='anyt project update' ;;
            'anyt project rm' | 'anyt project delete') path='anyt project rm' ;;
            'anyt label') path='anyt label' ;;
            'anyt label list' | 'anyt label ls') path='anyt label list' ;;
            'anyt label create' | 'anyt label add') path='anyt label create' ;;
            'anyt label update' | 'anyt label edit') path='anyt label update' ;;
            'anyt label rm' | 'anyt label delete') path='anyt label rm' ;;
            'anyt member') path='anyt member' ;;
            'anyt member list' | 'anyt member ls') path='anyt member list' ;;
            'anyt login') path='anyt login' ;;
            'anyt env') path='anyt env' ;;
            'anyt env list' | 'anyt env ls') path='anyt env list' ;;
            'anyt env add') path='anyt env add' ;;
            'anyt env switch' | 'anyt env use') path='anyt env switch' ;;
            'anyt env show') path='anyt env show' ;;
            'anyt env remove' | 'anyt env rm') path='anyt env remove' ;;
            'anyt auth') path='anyt auth' ;;
            'anyt auth login') path='anyt auth login' ;;
            'anyt auth logout') path='anyt auth logout' ;;
            'anyt auth whoami') path='anyt auth whoami' ;;
            'anyt auth status') path='anyt auth status' ;;
            'anyt config') path='anyt config' ;;
            'anyt config list' | 'anyt config ls') path='anyt config list' ;;
            'anyt config get') path='anyt config get' ;;
            'anyt config set') path='anyt config set' ;;
            'anyt config unset') path='anyt config unset' ;;
            'anyt health') path='anyt health' ;;
            'anyt doctor') path='anyt doctor' ;;
            'anyt completion') path='anyt completion' ;;
            'anyt man') path='anyt man' ;;
            'anyt version') path='anyt version' ;;
            *) continue ;;
        esac
        _anyt_words
    done
    cur="${COMP_WORDS[COMP_CWORD]}"
    prev="${COMP_WORDS[COMP_CWORD - 1]}"
    if [ "$cur" = '=' ]; then
        cur=''
    elif [ "$prev" = '=' ] && [ "$COMP_CWORD" -gt 1 ]; then
        prev="${COMP_WORDS[COMP_CWORD - 2]}"
    fi
    if _anyt_value; then
        return 0
    fi
    case "$cur" in
        -*) COMPREPLY=($(compgen -W "$flags" -- "$cur")) ;;
        *)
            if [ -n "$known" ]; then
                _anyt_known "$known"
            else
                COMPREPLY=($(compgen -W "$commands" -- "$cur"))
            fi
            ;;
    esac
}

complete -o default -F _anyt anyt
