// PyAgent's mark: a small swarm in a square.
import icon from "./icon.svg";

export function Mark({ size = 20 }: { size?: number }) {
  return <img src={icon} width={size} height={size} alt="" />;
}
