/** Each script asks `vmm __complete -- <words>`, whose first line says whether file names fit too. */
const bash = `# vmm completion for bash. In ~/.bashrc: source <(vmm completion bash)
_vmm() {
  local kind words word
  { read -r kind; mapfile -t words; } < <(vmm __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  COMPREPLY=()
  for word in "\${words[@]}"; do COMPREPLY+=("$word"); done
  if [[ $kind == files ]]; then
    compopt -o filenames 2>/dev/null
    while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}")
  fi
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *: ]] && compopt -o nospace 2>/dev/null
  return 0
}
complete -F _vmm vmm
`;

const zsh = `#compdef vmm
# vmm completion for zsh. In ~/.zshrc: source <(vmm completion zsh)
_vmm() {
  local -a lines
  lines=("\${(@f)$(vmm __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  local kind=$lines[1]
  shift lines
  (( $#lines )) && compadd -- $lines
  [[ $kind == files ]] && _files
}
# Loaded by zsh from its fpath it is called at once; sourced it is only announced.
if [[ $funcstack[1] == _vmm ]]; then _vmm; else compdef _vmm vmm; fi
`;

const fish = `# vmm completion for fish. In ~/.config/fish/config.fish: vmm completion fish | source
function __vmm_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l lines (vmm __complete -- $words[2..-1] 2>/dev/null)
    printf '%s\\n' $lines[2..-1]
    test "$lines[1]" = files; and __fish_complete_path (commandline -ct)
end
complete -c vmm -f -a '(__vmm_complete)'
`;

export const completionScripts = { bash, zsh, fish } as const;
export type Shell = keyof typeof completionScripts;
