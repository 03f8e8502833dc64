/** Whether one types on glass: a focused field brings up a keyboard, and what is pressed has to be as large as a finger. */
export const onGlass = () => matchMedia('(pointer: coarse)').matches;
