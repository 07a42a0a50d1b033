# Completion of watchfire's commands, options and file names, for bash. Everything is asked of the program itself.
_watchfire() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} program=${COMP_WORDS[0]} words=
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="$("$program" --help 2>/dev/null | sed -n '/^commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p') help"
  elif [ "${COMP_WORDS[1]}" = help ]; then
    words="limits $("$program" --help 2>/dev/null | sed -n '/^commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p')"
  elif [ "$previous" = --to ]; then
    words='pprof folded flamegraph html callgrind dot pgo json'
  elif [ "$previous" = --color ]; then
    words='auto always never'
  elif [ "$previous" = --granularity ]; then
    words='functions filefunctions files lines addresses'
  elif [ "$previous" = --service ]; then
    words=$("$program" services --since 1d 2>/dev/null | awk 'NR > 1 {print $1}')
  elif [[ $current == -* ]]; then
    words=$("$program" "${COMP_WORDS[1]}" --help 2>/dev/null | grep -oE '(^|[ ,])--?[a-z][a-z0-9_-]*' | tr -d ' ,')
  fi
  if [ -n "$words" ]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
    compopt -o filenames 2>/dev/null
  fi
}
complete -F _watchfire watchfire
